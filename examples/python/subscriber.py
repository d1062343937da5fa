"""A Roomcast subscriber in framed mode, written from PROTOCOL.md. After a lost connection, it resumes at its position.

It needs Python 3.8 or newer, and no package.
"""

import json
import random
import re
import time
import urllib.parse

from frames import INIT_COPY, MAX_MESSAGE_BYTES, ProtocolError, read_message
from websocket import Closed, Refused, WebSocket

PING_MS = 1000  # told to the room: while data arrives, the next ping follows each pong within this time (C2)
PING_AFTER_S = 0.7  # the actual time
IDLE_PING_S = 10
LOST_AFTER_S = 30  # after this time without a pong, the connection is dead
MAX_WAIT_S = 15  # R2
HEALTHY_S = 10  # after a connection that lasted this long, the next attempt is a first one again (R2)
FINAL_CODES = (1002, 1003, 1007, 1009)
FINAL_STATUSES = (400, 401, 403, 404, 409, 410)


class Ended(Exception):
    """The room refused or closed the connection permanently. Another attempt would not help."""


class Subscriber:
    """Iterate over it: it yields events, and reconnects by itself until it raises `Ended`.

    `url` is the http(s) base of the Worker. The token needs the right `subscribe`; it goes into a header. `tracks` are
    names; None means all. `start` is that of W5; a reconnection starts at the next frame. `delivery` is `live` or
    `latest` (W4).

    Events are dictionaries with a `type`:
    `frame`       `track`, `epoch`, `sequence`, `flags`, `timestamp` (ms since 1970), `payload`
    `init`        `track`, `epoch`, `sequence`, `payload`
    `lost`        `reason`; the connection is gone, and the next one follows
    other types   the room's control messages as they are (section C). A `gap` names the frames that will not come.

    It blocks while it waits. Use it in one thread. While your loop works, it reads nothing and sends no ping, so the
    room may skip frames (S6). Leave the loop, or close the iterator, to end the connection.
    """

    def __init__(self, url, room, token, tracks=None, start="group", delivery="live"):
        self._url, self._room, self._token = url.rstrip("/"), room, token
        self._query = {"delivery": delivery, "ping": PING_MS, **({"tracks": ",".join(tracks)} if tracks else {})}
        self._start = start
        self._positions = {}  # by name: the epoch, and the sequence of the next frame
        self._names = {}  # of this connection: by header number
        self._reconnect_s = 0.5
        self._failures = 0
        self._opened_at = None

    def __iter__(self):
        while True:
            retry_s, self._opened_at = 0, None
            try:
                yield from self._connection()
            except Refused as refusal:
                if refusal.status in FINAL_STATUSES:
                    raise Ended(f"refused: HTTP {refusal.status} {code_of(refusal.body)}") from refusal
                retry_s = float(refusal.headers.get("retry-after", "0"))
                reason = f"HTTP {refusal.status}"
            except Closed as closed:
                if closed.code in FINAL_CODES or 4500 <= closed.code <= 4999:
                    raise Ended(f"closed: {closed.code} {closed.reason}") from closed
                retry = re.search(r"\bretry=(\d+)", closed.reason)
                retry_s = int(retry.group(1)) / 1000 if retry and closed.code >= 4000 else 0
                reason = f"{closed.code} {closed.reason}"
            except OSError as error:
                reason = str(error)
            if self._opened_at is not None and time.monotonic() >= self._opened_at + HEALTHY_S:
                self._failures = 0
            yield {"type": "lost", "reason": reason}
            time.sleep(retry_s + self._wait_s())

    def _wait_s(self):
        """Seconds until the next attempt (R2): first up to `reconnectMs`, later also a jitter that doubles."""
        self._failures += 1
        if self._failures == 1:
            return random.uniform(0, self._reconnect_s)
        return self._reconnect_s + random.uniform(0, min(MAX_WAIT_S, 0.5 * 2 ** (self._failures - 1)))

    def _connection(self):
        positions = ",".join(f"{name}:{epoch}.{sequence}" for name, (epoch, sequence) in self._positions.items())
        query = urllib.parse.urlencode({**self._query, "start": positions or self._start}, safe=":,")
        socket = WebSocket(
            f"{self._url}/rooms/{self._room}/ws?{query}",
            {"Authorization": f"Bearer {self._token}"},
            ["roomcast.v1"],
            MAX_MESSAGE_BYTES,
        )
        self._names = {}
        try:
            yield from self._messages(socket)
        except ProtocolError as error:
            raise Closed(1006, f"the room broke a rule: {error.code}") from error
        finally:
            socket.close()

    def _messages(self, socket):
        """The events of one connection. While the consumer is busy, no ping is sent (C2)."""
        socket.send_text("ping")
        pinged_at, ponged_at, has_received = time.monotonic(), None, False
        while True:
            due_s = PING_AFTER_S if has_received else IDLE_PING_S
            now = time.monotonic()
            if ponged_at is not None and now >= ponged_at + due_s:
                socket.send_text("ping")
                pinged_at, ponged_at, has_received = now, None, False
            wait_until = pinged_at + LOST_AFTER_S if ponged_at is None else ponged_at + due_s
            message = socket.receive(max(0, wait_until - now))
            if message is None and ponged_at is None:
                raise Closed(1006, "no pong")
            if message == "pong":
                ponged_at = time.monotonic()
            elif isinstance(message, str):
                yield from self._control(json.loads(message))
            elif message is not None:
                has_received = True
                yield from self._frames(message)

    def _control(self, message):
        """Takes the position from a control message, and yields the message. Unknown types change nothing (C1)."""
        kind = message["type"]
        if kind in ("welcome", "occupancy"):
            self._reconnect_s = message.get("reconnectMs", self._reconnect_s * 1000) / 1000
            self._opened_at = self._opened_at or time.monotonic()
        elif kind == "track":
            self._names[message["track"]] = message["name"]
            self._positions[message["name"]] = (message["epoch"], message["sequence"])
        elif kind == "gap" and message["to"] is not None:
            self._positions[message["name"]] = (message["epoch"], message["to"] + 1)
        yield message

    def _frames(self, message):
        """The events of a binary message. Raises `ProtocolError` if the frames are not those that are due (S1, S2)."""
        for frame in read_message(message):
            name = self._names.get(frame.track)
            if name is None:
                raise ProtocolError("frame_bad_track")  # S1
            epoch, due = self._positions[name]
            common = {"track": name, "epoch": epoch, "sequence": frame.sequence, "payload": frame.payload}
            if frame.type == INIT_COPY:
                yield {"type": "init", **common}
                continue
            if frame.sequence != due:
                raise ProtocolError("out_of_sequence")  # S2
            # Before the yield, so that a consumer that stops here does not get the frame again.
            self._positions[name] = (epoch, due + 1)
            yield {"type": "frame", "flags": frame.flags, "timestamp": frame.timestamp, **common}


def code_of(body):
    """The stable code of a refusal (section H)."""
    try:
        return json.loads(body)["code"]
    except (ValueError, KeyError, TypeError):
        return ""
