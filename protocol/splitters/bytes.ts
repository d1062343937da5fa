// Functions to read, join and cut bytes, for several splitters.
import type { SplitFrame } from "../splitter.ts";

/** Unsigned byte at `at`; 0 behind the end. */
export function u8(bytes: Uint8Array, at: number): number {
  return bytes[at] ?? 0;
}

/** Big-endian u16 at `at`; bytes behind the end count as 0. */
export function u16(bytes: Uint8Array, at: number): number {
  return (u8(bytes, at) << 8) | u8(bytes, at + 1);
}

/** Big-endian u32 at `at`; bytes behind the end count as 0. */
export function u32(bytes: Uint8Array, at: number): number {
  return u16(bytes, at) * 0x1_0000 + u16(bytes, at + 2);
}

/** `first` and `second` in a new array. If one of them is empty, returns the other one itself. */
export function concat(first: Uint8Array, second: Uint8Array): Uint8Array {
  if (first.length === 0) return second;
  if (second.length === 0) return first;
  const joined = new Uint8Array(first.length + second.length);
  joined.set(first);
  joined.set(second, first.length);
  return joined;
}

/** True if both hold the same bytes. */
export function equal(first: Uint8Array, second: Uint8Array): boolean {
  if (first.length !== second.length) return false;
  for (let at = 0; at < first.length; at++) if (first[at] !== second[at]) return false;
  return true;
}

/** Adds `bytes` to `frames` in pieces of at most `maxBytes`: `flags` for the first, `laterFlags` for the others. */
export function addPieces(
  frames: SplitFrame[],
  bytes: Uint8Array,
  maxBytes: number,
  flags: number,
  laterFlags = 0,
): void {
  for (let at = 0; at < bytes.length; at += maxBytes) {
    frames.push({ payload: bytes.subarray(at, at + maxBytes), flags: at === 0 ? flags : laterFlags });
  }
}
