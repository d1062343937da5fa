// Boxes of ISO 14496-12 (clause 4.2): their headers, and the boxes inside of a box.
import { ProtocolError } from "../errors.ts";
import { u8, u32 } from "./bytes.ts";

/** Bytes of a header with a 32-bit size. */
export const SHORT_HEADER_BYTES = 8;

/** Bytes of a header with a 64-bit size. */
export const LONG_HEADER_BYTES = 16;

export interface BoxHeader {
  readonly type: string;
  /** The size of the whole box, including its header; Infinity for a box that extends to the end of the stream. */
  readonly size: number;
  readonly headerBytes: number;
}

/** True if the header that these 8 bytes begin has 8 further bytes, for a 64-bit size. */
export function isLongHeader(header: Uint8Array): boolean {
  return u32(header, 0) === 1;
}

/** Reads a whole header. Error: `frame_truncated` for a size smaller than the header, or a type that is not text. */
export function readHeader(header: Uint8Array): BoxHeader {
  const isLong = isLongHeader(header);
  const headerBytes = isLong ? LONG_HEADER_BYTES : SHORT_HEADER_BYTES;
  const written = isLong ? u32(header, 8) * 2 ** 32 + u32(header, 12) : u32(header, 0);
  const size = written === 0 && !isLong ? Number.POSITIVE_INFINITY : written;
  const type = typeAt(header, 4);
  if (!/^[\xa9 -~][ -~]{3}$/.test(type))
    throw new ProtocolError("frame_truncated", "malformed box: its type is not text");
  if (size < headerBytes || (size > Number.MAX_SAFE_INTEGER && size !== Number.POSITIVE_INFINITY)) {
    throw new ProtocolError("frame_truncated", `malformed box: ${type} with a size of ${size} bytes`);
  }
  return { type, size, headerBytes };
}

/** A box inside another box. */
export interface Box {
  readonly type: string;
  readonly body: Uint8Array;
}

/** The boxes of `body`, up to the first malformed one. */
export function boxesIn(body: Uint8Array): Box[] {
  const boxes: Box[] = [];
  let at = 0;
  while (at + SHORT_HEADER_BYTES <= body.length) {
    const size = u32(body, at) || body.length - at;
    if (size < SHORT_HEADER_BYTES || size > body.length - at) return boxes;
    boxes.push({ type: typeAt(body, at + 4), body: body.subarray(at + SHORT_HEADER_BYTES, at + size) });
    at += size;
  }
  return boxes;
}

/** The bodies of the boxes at `path`: each type names boxes inside those of the previous type. */
export function bodiesAt(body: Uint8Array, ...path: string[]): Uint8Array[] {
  return path.reduce(
    (bodies, type) => bodies.flatMap((inner) => boxesIn(inner).flatMap((box) => (box.type === type ? [box.body] : []))),
    [body],
  );
}

/** The four characters at `at`. */
export function typeAt(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(u8(bytes, at), u8(bytes, at + 1), u8(bytes, at + 2), u8(bytes, at + 3));
}
