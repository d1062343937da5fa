// Feeds a splitter in chunks and checks its frames.
import fc from "fast-check";
import { expect } from "vitest";
import { Flag } from "../../../../protocol/frame.ts";
import { MAX_PAYLOAD_BYTES } from "../../../../protocol/limits.ts";
import type { SplitFrame, Splitter } from "../../../../protocol/splitter.ts";

/** Sizes of chunks, used in turn. */
export const chunkSizes = (max: number) => fc.array(fc.integer({ min: 1, max }), { minLength: 1, maxLength: 8 });

/** The bytes in chunks of these sizes in turn, each in its own memory. */
export function* chunksOf(bytes: Uint8Array, sizes: readonly number[]): Generator<Uint8Array> {
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1;
    yield bytes.slice(at, at + size);
    at += size;
  }
}

/** All frames of a stream, checked: no payload is too large, and never more than `maxHeldBytes` are held back. */
export function split(
  splitter: Splitter,
  bytes: Uint8Array,
  sizes: readonly number[],
  maxHeldBytes = Number.POSITIVE_INFINITY,
): SplitFrame[] {
  const frames: SplitFrame[] = [];
  let held = 0;
  for (const chunk of chunksOf(bytes, sizes)) {
    const cut = splitter.push(chunk);
    held += chunk.length - lengthOf(cut);
    if (held > maxHeldBytes) throw new Error(`${held} bytes held back`);
    frames.push(...cut);
  }
  frames.push(...splitter.end());
  for (const { payload } of frames) {
    if (payload.length > MAX_PAYLOAD_BYTES) throw new Error(`a payload of ${payload.length} bytes`);
  }
  return frames;
}

export function lengthOf(frames: readonly SplitFrame[]): number {
  return frames.reduce((sum, { payload }) => sum + payload.length, 0);
}

export function join(frames: readonly SplitFrame[]): Uint8Array {
  return Buffer.concat(frames.map(({ payload }) => payload));
}

/** The positions and flags of frames with flags. */
export function marks(frames: readonly SplitFrame[]): { at: number; flags: number }[] {
  let at = 0;
  return frames.flatMap(({ payload, flags }) => {
    const mark = { at, flags };
    at += payload.length;
    return flags === 0 ? [] : [mark];
  });
}

export function withFlag(frames: readonly SplitFrame[], flag: number): SplitFrame[] {
  return frames.filter(({ flags }) => (flags & flag) !== 0);
}

export function indexesOf(frames: readonly SplitFrame[], flag: number): number[] {
  return [...frames.keys()].filter((index) => ((frames[index]?.flags ?? 0) & flag) !== 0);
}

/** The invariant: the payloads are the stream. */
export function expectSameBytes(frames: readonly SplitFrame[], bytes: Uint8Array): void {
  expect(Buffer.compare(join(frames), bytes)).toBe(0);
}

/** The data of a newcomer that starts at frame `index`: the last init before it and everything from it on. */
export function joinedAt(frames: readonly SplitFrame[], index: number): Uint8Array {
  const init = frames.slice(0, index).findLast(({ flags }) => (flags & Flag.init) !== 0);
  return join([...(init === undefined ? [] : [init]), ...frames.slice(index)]);
}
