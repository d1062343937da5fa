// The frames due to subscribers that got none, and the length of a drain.
import { expect, test } from "vitest";
import { addLedger, type Counts, noCounts, runName, sumOf } from "../../../load/accounting/counts.ts";
import { Ledger } from "../../../load/accounting/ledger.ts";
import { endsOf, resultOf, waitingOf } from "../../../load/accounting/result.ts";

const PUBLISHED = { frames: 100, bytes: 100, groupFrames: 30 };
const RUN = runName("main", "e1");
const FACTS = { publisherRefused: undefined, seconds: 2, isInterrupted: false, processes: 1, cpuShare: 0.5 };

/** Connected subscribers at `positions`. */
function standingAt(...positions: number[]): Counts {
  const counts = noCounts();
  for (const position of positions) {
    const ledger = new Ledger(10);
    for (let sequence = 10; sequence < position; sequence++) ledger.frame(sequence);
    addLedger(counts, RUN, ledger, false);
    counts.joined++;
    counts.connected++;
  }
  return counts;
}

test("who got nothing should have got the groups that began when it was there", () => {
  const counts = {
    ...noCounts(),
    joined: 4,
    connected: 4,
    silent: [
      [0, 1],
      [31, 2],
      [95, 1],
    ] as const,
  };
  const result = resultOf({ ...counts, silent: [...counts.silent] }, { ...FACTS, published: PUBLISHED, ends: {} });
  // All 100; from 60 on, two times 40; the group of 120 has not begun.
  expect([result.framesExpected, result.framesLostUntold]).toEqual([180, 180]);
  expect(waitingOf({ ...counts, silent: [...counts.silent] }, {}, PUBLISHED)).toBe(3);
  expect(waitingOf({ ...counts, silent: [...counts.silent] }, {}, undefined)).toBe(0);
});

test("the end is where the farthest one stands; the others are waited for, and so is who lost its connection", () => {
  const [near, far] = [standingAt(12, 20), standingAt(20, 25)];
  const ends = endsOf(sumOf([near, far]));
  expect(ends).toEqual({ [RUN]: 25 });
  const counts = sumOf([standingAt(12, 25), standingAt(25, 27)]);
  expect(waitingOf(counts, ends, undefined)).toBe(1);
  expect(waitingOf({ ...counts, connected: 3 }, ends, undefined)).toBe(2);
  expect(waitingOf({ ...counts, connected: 3, refused: 1 }, ends, undefined)).toBe(1);
  const result = resultOf(counts, { ...FACTS, published: undefined, ends });
  expect([result.framesExpected, result.framesReceived, result.framesLostUntold]).toEqual([62, 49, 13]);
});

test("where nothing can be said a figure is null, also as JSON", () => {
  const result = resultOf(noCounts(), { ...FACTS, published: undefined, ends: {} });
  expect(JSON.parse(JSON.stringify(result))).toEqual(result);
  expect(result).toMatchObject({
    joinsPerSecond: null,
    latencyMs: { p50: null, p99: null, max: null },
    firstFrameMs: { p50: null, p99: null },
    framesPublished: null,
  });
});
