// Elements of Matroska and WebM (RFC 8794, RFC 9559): their headers, and the ids that matter for cutting a stream.
import { ProtocolError } from "../errors.ts";
import { u8 } from "./bytes.ts";

/** The ids that matter here. */
export const Id = {
  ebml: 0x1a45dfa3,
  segment: 0x18538067,
  tracks: 0x1654ae6b,
  trackEntry: 0xae,
  trackNumber: 0xd7,
  trackType: 0x83,
  codecId: 0x86,
  codecPrivate: 0x63a2,
  cluster: 0x1f43b675,
  simpleBlock: 0xa3,
  blockGroup: 0xa0,
  block: 0xa1,
  referenceBlock: 0xfb,
} as const;

/** The longest header: an id of four bytes, a size of eight. */
export const MAX_ELEMENT_HEADER_BYTES = 12;

/** `size` undefined: the element extends to the first element that cannot be inside it. */
export interface ElementHeader {
  readonly id: number;
  readonly headerBytes: number;
  readonly size: number | undefined;
}

/** The header at `at`; undefined if it is incomplete. Throws `ProtocolError`. */
export function readElementHeader(bytes: Uint8Array, at: number): ElementHeader | undefined {
  const idBytes = Math.clz32(u8(bytes, at)) - 23;
  if (at >= bytes.length) return undefined;
  if (idBytes > 4) throw new ProtocolError("frame_truncated", "malformed element id");
  if (at + idBytes >= bytes.length) return undefined;
  const sizeBytes = Math.clz32(u8(bytes, at + idBytes)) - 23;
  if (sizeBytes > 8) throw new ProtocolError("frame_truncated", "malformed element size");
  if (at + idBytes + sizeBytes > bytes.length) return undefined;
  const id = number(bytes, at, idBytes);
  const { value } = readVint(bytes, at + idBytes);
  return { id, headerBytes: idBytes + sizeBytes, size: value === 2 ** (7 * sizeBytes) - 1 ? undefined : value };
}

/** The number of variable length at `at`, without its marker, and its size in bytes. */
export function readVint(bytes: Uint8Array, at: number): { value: number; bytes: number } {
  const length = Math.clz32(u8(bytes, at)) - 23;
  const first = u8(bytes, at) & (0xff >> length);
  return { value: first * 256 ** (length - 1) + number(bytes, at + 1, length - 1), bytes: length };
}

/** A big-endian number. Above 2^53 it is not exact, but such a number is too large for everything. */
export function number(bytes: Uint8Array, at: number, length: number): number {
  let value = 0;
  for (let index = at; index < at + length; index++) value = value * 256 + u8(bytes, index);
  return value;
}

export interface Element {
  readonly id: number;
  readonly body: Uint8Array;
}

/** The consecutive elements in `bytes`, up to the first incomplete one. */
export function* elementsIn(bytes: Uint8Array): Generator<Element> {
  for (let at = 0; at < bytes.length; ) {
    const header = headerOrNone(bytes, at);
    if (header?.size === undefined || at + header.headerBytes + header.size > bytes.length) return;
    const start = at + header.headerBytes;
    at = start + header.size;
    yield { id: header.id, body: bytes.subarray(start, at) };
  }
}

function headerOrNone(bytes: Uint8Array, at: number): ElementHeader | undefined {
  try {
    return readElementHeader(bytes, at);
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}
