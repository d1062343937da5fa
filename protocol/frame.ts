// The frame codec: a 24-byte big-endian header, then the payload. A message contains one or more frames.
import { ProtocolError } from "./errors.ts";
import {
  MAX_INIT_BYTES,
  MAX_MESSAGE_BYTES,
  MAX_MESSAGE_FRAMES,
  MAX_PAYLOAD_BYTES,
  MAX_SAFE,
  MAX_SEQUENCE,
  MAX_TRACKS,
} from "./limits.ts";

/** Bytes of a frame's header: type, flags, track, zero (u8 each), length u32, sequence u64, timestamp u64. */
export const HEADER_BYTES = 24;

/** `frame` has a place in the sequence; `init` is a copy of initialisation data and has none. */
export const FrameType = { frame: 1, init: 2 } as const;

/** Bits of the flags byte. */
export const Flag = {
  /** The payload is data that a newcomer needs before any group; it is also part of the stream. */
  init: 1,
  /** A group begins here. */
  key: 2,
  /** The frame does not continue the stream before it (source restarted, format changed, bytes skipped). */
  discontinuity: 4,
  /** The last frame of its epoch. */
  end: 8,
} as const;

const ALL_FLAGS = Flag.init | Flag.key | Flag.discontinuity | Flag.end;

/** The contents of a header. */
export interface FrameHeader {
  /** A value of `FrameType`. */
  readonly type: number;
  /** Bits of `Flag`. */
  readonly flags: number;
  /** The number that a `publish` or `track` message assigned to the track's name. */
  readonly track: number;
  /** From 0 to 2^53-2. */
  readonly sequence: number;
  /** The publisher's clock, milliseconds since 1970. */
  readonly timestamp: number;
}

/** A frame to encode. */
export interface Frame extends FrameHeader {
  readonly payload: Uint8Array;
}

/** A frame in a message: its header, and the position of its payload in the message. */
export interface FrameView extends FrameHeader {
  /** The offset of the payload's first byte in the message. */
  readonly start: number;
  /** The offset behind its last byte. */
  readonly end: number;
}

/** Writes a frame's header at `offset`. Numbers out of range are the caller's mistake: `RangeError`. */
function writeHeader(view: DataView, offset: number, header: FrameHeader, payloadBytes: number): void {
  if (payloadBytes > MAX_PAYLOAD_BYTES) throw new RangeError(`payload of ${payloadBytes} bytes`);
  view.setUint8(offset, header.type);
  view.setUint8(offset + 1, header.flags);
  view.setUint8(offset + 2, header.track);
  view.setUint8(offset + 3, 0);
  view.setUint32(offset + 4, payloadBytes);
  if (header.sequence > MAX_SEQUENCE) throw new RangeError(`${header.sequence} is not a valid sequence`);
  writeUint53(view, offset + 8, header.sequence);
  writeUint53(view, offset + 16, header.timestamp);
}

/** Allocates the given number of bytes. They need not be zero, because all of them are overwritten. */
export type Allocate = (bytes: number) => Uint8Array<ArrayBuffer>;

const zeroed: Allocate = (bytes) => new Uint8Array(bytes);

/**
 * Encodes frames into one message, and copies each payload once. Throws `RangeError` for values that do not fit a
 * header.
 */
export function encodeMessage(frames: readonly Frame[], allocate = zeroed): Uint8Array<ArrayBuffer> {
  let size = 0;
  for (const frame of frames) size += HEADER_BYTES + frame.payload.byteLength;
  const message = allocate(size);
  const view = new DataView(message.buffer, message.byteOffset, size);
  let offset = 0;
  for (const frame of frames) {
    writeHeader(view, offset, frame, frame.payload.byteLength);
    message.set(frame.payload, offset + HEADER_BYTES);
    offset += HEADER_BYTES + frame.payload.byteLength;
  }
  return message;
}

/** Bytes of the frame at `offset`, including its header, in a message that `readMessage` has accepted. */
export function frameBytes(message: Uint8Array, offset: number): number {
  const high = ((message[offset + 4] ?? 0) << 24) | ((message[offset + 5] ?? 0) << 16);
  return HEADER_BYTES + (high | ((message[offset + 6] ?? 0) << 8) | (message[offset + 7] ?? 0));
}

/** Reads all frames of a message. Throws `ProtocolError` (F1-F4), and returns no frame of an invalid message. */
export function readMessage(message: Uint8Array): FrameView[] {
  if (message.byteLength > MAX_MESSAGE_BYTES) {
    throw new ProtocolError("message_too_large", `a message may have at most ${MAX_MESSAGE_BYTES} bytes`);
  }
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  const frames: FrameView[] = [];
  let offset = 0;
  do {
    if (frames.length === MAX_MESSAGE_FRAMES) {
      throw new ProtocolError("message_too_large", `a message may have at most ${MAX_MESSAGE_FRAMES} frames`);
    }
    const frame = readFrame(view, offset);
    frames.push(frame);
    offset = frame.end;
  } while (offset < message.byteLength);
  return frames;
}

function readFrame(view: DataView, offset: number): FrameView {
  const start = offset + HEADER_BYTES;
  if (start > view.byteLength) throw new ProtocolError("frame_truncated", `a header must have ${HEADER_BYTES} bytes`);
  const type = view.getUint8(offset);
  const flags = view.getUint8(offset + 1);
  const track = view.getUint8(offset + 2);
  if (type !== FrameType.frame && type !== FrameType.init)
    throw new ProtocolError("frame_bad_type", `unknown type ${type}`);
  if ((flags & ~ALL_FLAGS) !== 0) throw new ProtocolError("frame_bad_flags", `unknown flags ${flags}`);
  if (track >= MAX_TRACKS) throw new ProtocolError("frame_bad_track", `invalid track ${track}`);
  if (view.getUint8(offset + 3) !== 0) throw new ProtocolError("frame_bad_reserved", "byte 3 of a header must be zero");
  const end = start + readLength(view, offset + 4, type === FrameType.init || (flags & Flag.init) !== 0);
  if (end > view.byteLength) {
    throw new ProtocolError("frame_truncated", "the header declares more bytes than the message has");
  }
  const sequence = readUint53(view, offset + 8);
  if (sequence > MAX_SEQUENCE) throw new ProtocolError("frame_bad_number", "the sequence is above 2^53-2");
  return { type, flags, track, sequence, timestamp: readUint53(view, offset + 16), start, end };
}

function readLength(view: DataView, offset: number, init: boolean): number {
  const length = view.getUint32(offset);
  if (length > MAX_PAYLOAD_BYTES) {
    throw new ProtocolError("payload_too_large", `a payload may have at most ${MAX_PAYLOAD_BYTES} bytes`);
  }
  if (init && length > MAX_INIT_BYTES) {
    throw new ProtocolError("init_too_large", `initialisation data may have at most ${MAX_INIT_BYTES} bytes`);
  }
  return length;
}

function writeUint53(view: DataView, offset: number, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${value} is not a u53`);
  view.setUint32(offset, Math.floor(value / 0x1_0000_0000));
  view.setUint32(offset + 4, value >>> 0);
}

function readUint53(view: DataView, offset: number): number {
  const high = view.getUint32(offset);
  if (high > MAX_SAFE / 0x1_0000_0000) throw new ProtocolError("frame_bad_number", "the number is above 2^53-1");
  return high * 0x1_0000_0000 + view.getUint32(offset + 4);
}
