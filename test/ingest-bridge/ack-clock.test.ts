// The time to acknowledge: samples from the size of a buffer.
import { expect, test } from "vitest";
import { AckClock } from "../../ingest-bridge/ack-clock.ts";

function observed(...buffer: readonly (readonly [at: number, bytes: number])[]): number[] {
  const seconds: number[] = [];
  const clock = new AckClock((one) => seconds.push(one));
  for (const [at, bytes] of buffer) clock.buffered(bytes, at);
  return seconds;
}

test("a sample lasts until its own bytes are free, however much comes behind them", () => {
  expect(observed([0, 100], [10, 300], [50, 250], [80, 200], [90, 0])).toEqual([0.08]);
  expect(observed([0, 100], [40, 0], [1000, 500], [1250, 0])).toEqual([0.04, 0.25]);
});

test("bytes that are never acknowledged give no sample", () => {
  expect(observed([0, 100], [10, 200], [20, 101])).toEqual([]);
});
