// The limited past of a track: read in runs, exact to a second, dropped from the front, always with the newest frame.
import { describe, expect, test } from "vitest";
import { Flag, readMessage } from "../../../protocol/frame.ts";
import { History } from "../../../worker/core/history.ts";
import { append, message } from "./support/frames.ts";

const ALL = Number.POSITIVE_INFINITY;
const KIB = 1024;

/** Messages of one frame each, one a millisecond, a group every `group` frames. */
function filled(blockBytes: number, count: number, group: number): History {
  const history = new History(blockBytes);
  for (let sequence = 0; sequence < count; sequence++) {
    append(history, sequence, 1, { key: sequence % group === 0, at: sequence });
  }
  return history;
}

/** 50 small records a second, for a minute and a half; a group each second. */
function records(): History {
  const history = new History(256 * KIB);
  for (let sequence = 0; sequence < 90 * 50; sequence++) {
    append(history, sequence, 1, { key: sequence % 50 === 0, at: sequence * 20, bytes: 100 });
  }
  return history;
}

function sequences(bytes: Uint8Array | undefined): number[] {
  return readMessage(bytes ?? new Uint8Array()).map(({ sequence }) => sequence);
}

describe("reading", () => {
  test("small messages are read together, as a view that the next who asks gets too", () => {
    const history = filled(100 * KIB, 30, 10);
    const block = history.read(20);
    expect(sequences(block?.bytes)).toEqual([20, 21, 22, 23, 24, 25, 26, 27, 28, 29]);
    expect(history.read(20)).toBe(block);
    expect(history.read(0)?.bytes.buffer).toBe(block?.bytes.buffer);
    expect(block?.payload()).toEqual(
      history
        .read(0)
        ?.payload()
        .subarray(20 * 76),
    );
  });

  test("a run has at most the bytes that were asked for, but one frame at least", () => {
    const history = filled(100 * KIB, 200, 10);
    expect(sequences(history.read(3, 1000)?.bytes)).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    expect(sequences(history.read(3, 999)?.bytes)).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11]);
    expect(history.read(70, 1)).toMatchObject({ first: 70, next: 71, frameCount: 1 });
    expect(history.read(1, 15_000)).toMatchObject({ first: 1, next: 151 });
    expect(history.read(199, 0)).toMatchObject({ first: 199, next: 200 });
    expect(history.read(3, 250)).toMatchObject({ first: 3, next: 5 });
  });

  test("returned views stay unchanged while more frames come behind them", () => {
    const history = new History(100 * KIB);
    const blocks = [];
    for (let sequence = 0; sequence < 300; sequence++) {
      append(history, sequence, 1);
      blocks.push({ block: history.read(0), newest: history.read(sequence) });
    }
    for (const [sequence, { block, newest }] of blocks.entries()) {
      expect(block?.next).toBe(sequence + 1);
      expect(sequences(block?.bytes).at(-1)).toBe(sequence);
      expect(newest?.payload()).toEqual(new Uint8Array(76).fill(sequence));
    }
  });

  test("a large message is kept without a copy, unless it is a part of something larger", () => {
    const history = new History(256 * KIB);
    append(history, 0, 1, { bytes: 128 * KIB });
    const first = message(1, 1, { bytes: 128 * KIB });
    const large = new Uint8Array(1024 * KIB);
    large.set(first);
    history.append(first, readMessage(first), 0);
    expect(history.read(1)?.bytes.buffer).toBe(first.buffer);
    const before = history.bytes;
    const part = large.subarray(0, first.byteLength);
    history.append(part, readMessage(message(2, 1, { bytes: 128 * KIB })), 0);
    expect(history.read(2)?.bytes.buffer.byteLength).toBe(part.byteLength);
    expect(history.bytes - before).toBeLessThan(130 * KIB);
  });

  test("a hole in the sequences is never read over", () => {
    const history = new History(10_000);
    append(history, 0, 2);
    append(history, 5, 2);
    expect(history.read(0)?.next).toBe(2);
    expect(history.read(2)).toBeUndefined();
    expect(history.read(5)?.next).toBe(7);
  });

  test("bytes from a position on are known without counting", () => {
    const history = filled(500, 10, 5);
    expect(history.bytesFrom(0)).toBe(1000);
    expect(history.bytesFrom(7)).toBe(300);
    expect(history.bytesFrom(10)).toBe(0);
  });

  test("F9 a run that only says that the epoch ends is known as that", () => {
    const history = new History(1);
    append(history, 0, 1, { bytes: 0 });
    append(history, 1, 1, { bytes: 0, flags: Flag.end });
    append(history, 2, 1, { bytes: 1, flags: Flag.end });
    expect([0, 1, 2].map((sequence) => history.read(sequence)?.isEndMark)).toEqual([false, true, false]);
  });

  test("W2 payloads of a run are joined once, counted, and the oldest give way", () => {
    const history = new History(256 * KIB);
    for (let sequence = 0; sequence < 60; sequence += 4) append(history, sequence, 4, { bytes: 50 * KIB });
    expect(history.cacheBytes).toBe(0);
    const block = history.read(0);
    if (block === undefined) throw new Error("nothing there");
    expect(history.payload(block)).toBe(history.payload(block));
    expect(history.cacheBytes).toBe(200 * KIB);
    for (let first = 0; first < 60; first += 4) {
      const one = history.read(first);
      if (one !== undefined) history.payload(one);
    }
    expect(history.cacheBytes).toBeLessThanOrEqual(2 * 1024 * KIB);
    expect(history.cacheBytes).toBeGreaterThan(1800 * KIB);
  });
});

describe("dropping", () => {
  test("S4 the oldest leaves first, but never the newest, nor a needed frame", () => {
    const history = filled(1, 5, 5);
    expect(history.dropOldest(0)).toBe(false);
    expect(history.dropOldest(1)).toBe(true);
    expect(history.first).toBe(1);
    expect(history.groupStart).toBeUndefined();
    while (history.dropOldest(ALL));
    expect(history.first).toBe(4);
  });

  test("age drops what belongs to older groups, nothing of the newest group", () => {
    const history = filled(1, 25, 10);
    history.dropBefore(1000, ALL);
    expect(history.first).toBe(20);
    expect(history.groupStart).toBe(20);
  });

  test("dropping thousands keeps the rest in order, and its memory is counted", () => {
    const history = filled(1, 5000, 10);
    const each = history.bytes / 5000;
    for (let index = 0; index < 4000; index++) history.dropOldest(ALL);
    expect(history.first).toBe(4000);
    expect(history.bytes).toBe(each * 1000);
    expect(history.read(4990)?.first).toBe(4990);
    expect(history.bytesFrom(4000)).toBe(1000 * 100);
  });
});

describe("time", () => {
  test("W5 a rewind starts at the group that was current then, else at the oldest", () => {
    const history = filled(1, 40, 10);
    expect(history.groupAt(25)).toBe(20);
    expect(history.groupAt(20)).toBe(20);
    expect(history.groupAt(-5)).toBe(0);
    expect(history.groupAt(999)).toBe(30);
  });

  test("W5 a rewind in a stream of small records is right to the second, after reads", () => {
    const history = records();
    for (let sequence = 0; sequence < 4500; sequence++) history.read(sequence);
    for (const seconds of [0, 1, 20, 30, 55, 89]) {
      const wanted = 90_000 - seconds * 1000;
      const startedAt = (history.groupAt(wanted) ?? Number.NaN) * 20;
      expect(wanted - startedAt).toBeGreaterThanOrEqual(0);
      expect(wanted - startedAt).toBeLessThan(2000);
    }
  });

  test("S4 a minute is kept in a stream of small records, after reads, and no second more", () => {
    const history = records();
    for (let sequence = 0; sequence < 4500; ) sequence = history.read(sequence)?.next ?? Number.NaN;
    history.dropBefore(90_000 - 60_000, ALL);
    const oldestAt = (history.first ?? Number.NaN) * 20;
    expect(oldestAt).toBeLessThanOrEqual(30_000);
    expect(oldestAt).toBeGreaterThan(29_000);
    expect(history.read(35 * 50)?.first).toBe(35 * 50);
  });

  test("W5 the epoch's first frame begins a group, though it has no key", () => {
    const history = new History(1, 7);
    for (let sequence = 7; sequence < 12; sequence++) {
      append(history, sequence, 1, { at: sequence, key: sequence === 10 });
    }
    expect(history.groupAt(8)).toBe(7);
    expect(history.groupAt(11)).toBe(10);
  });

  test("frames that came a second apart are never in one run", () => {
    const history = new History(256 * KIB);
    for (let sequence = 0; sequence < 40; sequence++) append(history, sequence, 1, { at: sequence * 300, bytes: 1 });
    for (let sequence = 0; sequence < 40; ) {
      const block = history.read(sequence);
      expect(block?.receivedAt).toBe(sequence * 300);
      sequence = block?.next ?? Number.NaN;
      expect((sequence - 1) * 300 - (block?.receivedAt ?? 0)).toBeLessThan(1000);
    }
  });

  test("the time of the newest frame is known", () => {
    const history = new History(256 * KIB);
    expect(history.newestAt).toBeUndefined();
    append(history, 0, 1, { at: 100 });
    append(history, 1, 1, { at: 700 });
    expect(history.newestAt).toBe(700);
  });
});
