// The bounded past of a track: merged once, dropped from the front, always with the newest frame.
import { expect, test } from "vitest";
import { encodeMessage, Flag, FrameType, readMessage } from "../../../protocol/frame.ts";
import { Batch } from "../../../worker/core/batch.ts";
import { History } from "../../../worker/core/history.ts";

const ALL = Number.POSITIVE_INFINITY;

function batch(
  history: History,
  first: number,
  count: number,
  options: { key?: boolean; bytes?: number; at?: number } = {},
): Batch {
  const frames = Array.from({ length: count }, (_, index) => ({
    type: FrameType.frame,
    flags: options.key && index === 0 ? Flag.key : 0,
    track: 0,
    sequence: first + index,
    timestamp: 0,
    payload: new Uint8Array(options.bytes ?? 76).fill(first + index),
  }));
  const bytes = encodeMessage(frames);
  return new Batch(bytes, readMessage(bytes), options.at ?? 0, history.end);
}

/** Batches of one frame each, a group every `group` frames. */
function filled(blockBytes: number, count: number, group: number): History {
  const history = new History(blockBytes);
  for (let sequence = 0; sequence < count; sequence++) {
    const key = sequence % group === 0;
    history.append(batch(history, sequence, 1, { key, at: sequence }), sequence - (sequence % group));
  }
  return history;
}

test("what is read together is merged once and shared by the next who asks", () => {
  const history = filled(1000, 30, 10);
  const block = history.read(20);
  expect(block?.frames.map(({ sequence }) => sequence)).toEqual([20, 21, 22, 23, 24, 25, 26, 27, 28, 29]);
  expect(history.read(20)).toBe(block);
  expect(readMessage(block?.bytes ?? new Uint8Array())).toEqual(block?.frames);
  expect(history.read(0)?.next).toBe(10);
});

test("a read from inside a block is a view of it", () => {
  const history = filled(1000, 10, 10);
  const block = history.read(0);
  const tail = history.read(4);
  expect(tail?.first).toBe(4);
  expect(tail?.bytes.buffer).toBe(block?.bytes.buffer);
  expect(readMessage(tail?.bytes ?? new Uint8Array())).toEqual(tail?.frames);
  expect(tail?.payload()).toEqual(block?.payload().subarray(4 * 76));
});

test("a hole in the sequences is never merged over", () => {
  const history = new History(10_000);
  history.append(batch(history, 0, 2), 0);
  history.append(batch(history, 5, 2), 0);
  expect(history.read(0)?.next).toBe(2);
  expect(history.read(2)).toBeUndefined();
  expect(history.read(5)?.next).toBe(7);
});

test("bytes from a position on are known without counting", () => {
  const history = filled(1, 10, 5);
  expect(history.bytesFrom(0)).toBe(1000);
  expect(history.bytesFrom(7)).toBe(300);
  expect(history.bytesFrom(10)).toBe(0);
});

test("S4 the oldest leaves first, the newest never, nor what somebody needs", () => {
  const history = filled(1, 5, 5);
  expect(history.dropOldest(0)).toBe(false);
  expect(history.dropOldest(1)).toBe(true);
  expect(history.first).toBe(1);
  expect(history.groupStart).toBeUndefined();
  while (history.dropOldest(ALL));
  expect(history.first).toBe(4);
});

test("age drops whole frames of older groups, not the newest group", () => {
  const history = filled(1, 25, 10);
  history.dropBefore(1000, ALL);
  expect(history.first).toBe(20);
  expect(history.groupStart).toBe(20);
});

test("W5 a rewind starts at the group that was current then, else at the oldest", () => {
  const history = filled(1, 40, 10);
  expect(history.groupAt(25)).toBe(20);
  expect(history.groupAt(20)).toBe(20);
  expect(history.groupAt(-5)).toBe(0);
  expect(history.groupAt(999)).toBe(30);
});

test("dropping thousands keeps what is left in order", () => {
  const history = filled(1, 5000, 10);
  for (let index = 0; index < 4000; index++) history.dropOldest(ALL);
  expect(history.first).toBe(4000);
  expect(history.read(4990)?.first).toBe(4990);
  expect(history.bytesFrom(4000)).toBe(1000 * 100);
});
