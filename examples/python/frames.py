"""Binary messages of the Roomcast protocol (PROTOCOL.md, section F)."""

import struct
from typing import NamedTuple

HEADER = struct.Struct(">BBBBIQQ")
STREAM, INIT_COPY = 1, 2
INIT, KEY, DISCONTINUITY, END = 1, 2, 4, 8
MAX_TRACK = 15
MAX_PAYLOAD_BYTES = 4 * 1024 * 1024
MAX_INIT_BYTES = 256 * 1024
MAX_MESSAGE_BYTES = MAX_PAYLOAD_BYTES + 64 * 1024
MAX_MESSAGE_FRAMES = 8192
MAX_SEQUENCE = 2**53 - 2
MAX_TIMESTAMP = 2**53 - 1


class ProtocolError(Exception):
    """The peer broke a rule; `code` names it."""

    def __init__(self, code):
        super().__init__(code)
        self.code = code


class Frame(NamedTuple):
    """One frame. `timestamp`: the publisher's clock, milliseconds since 1970. `track`: the number in the header."""

    type: int
    flags: int
    track: int
    sequence: int
    timestamp: int
    payload: bytes


def read_message(message):
    """The frames of a binary message. Raises `ProtocolError` if any part of the message breaks a rule (F1)."""
    if len(message) > MAX_MESSAGE_BYTES:
        raise ProtocolError("message_too_large")
    frames, at = [], 0
    while at < len(message) or not frames:
        if len(message) - at < HEADER.size:
            raise ProtocolError("frame_truncated")
        kind, flags, track, zero, length, sequence, timestamp = HEADER.unpack_from(message, at)
        check_header(kind, flags, track, zero, length, sequence, timestamp)
        at += HEADER.size
        if len(message) - at < length:
            raise ProtocolError("frame_truncated")
        if len(frames) == MAX_MESSAGE_FRAMES:
            raise ProtocolError("message_too_large")
        frames.append(Frame(kind, flags, track, sequence, timestamp, message[at : at + length]))
        at += length
    return frames


def check_header(kind, flags, track, zero, length, sequence, timestamp):
    """Raises `ProtocolError` for a header that breaks F3 or F4."""
    if kind not in (STREAM, INIT_COPY):
        raise ProtocolError("frame_bad_type")
    if flags & ~(INIT | KEY | DISCONTINUITY | END):
        raise ProtocolError("frame_bad_flags")
    if track > MAX_TRACK:
        raise ProtocolError("frame_bad_track")
    if zero != 0:
        raise ProtocolError("frame_bad_reserved")
    if sequence > MAX_SEQUENCE or timestamp > MAX_TIMESTAMP:
        raise ProtocolError("frame_bad_number")
    if length > MAX_PAYLOAD_BYTES:
        raise ProtocolError("payload_too_large")
    if (kind == INIT_COPY or flags & INIT) and length > MAX_INIT_BYTES:
        raise ProtocolError("init_too_large")
