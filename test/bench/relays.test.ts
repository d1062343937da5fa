// The relay benchmark itself: the origin sends each frame once per link, whatever the number of its relays'
// subscribers. The objects of one process lose nothing.
import { expect, test } from "vitest";
import { origin } from "../../bench/relays/origin.ts";
import { processor } from "../../bench/relays/processor.ts";
import type { Measurement } from "../../bench/report.ts";

test("the origin sends each frame once per link, whatever its relays serve", () => {
  const lines: Measurement[] = [];
  for (const [links, atRelays] of [
    [1, 0],
    [8, 100_000],
    [32, 0],
  ] as const) {
    const one = { subscribers: 3, links, atRelays, payloadBytes: 100, seconds: 2, rounds: 1 };
    origin(one, (line) => lines.push(line));
  }
  expect(lines.map(({ sends_per_frame }) => sends_per_frame)).toEqual([4, 11, 35]);
  expect(lines.map(({ relays }) => relays)).toEqual([1, 50, 32]);
});

test("a room in one process, as one object and with relays, counts every frame and loses none", async () => {
  const lines: Measurement[] = [];
  const pace = { windowBytes: 1_000_000, framesPerSecond: 20, seconds: 0.5 };
  await processor({ ...pace, subscribers: 12, relays: 2, payloadBytes: 256, rounds: 1 }, (line) => lines.push(line));
  const [alone, spread, ratios] = lines;
  expect(alone?.objects).toBe(1);
  expect(spread?.objects).toBeGreaterThan(1);
  for (const line of [alone, spread]) {
    expect(line).toMatchObject({ lost_frames: 0, told_missing_frames: 0 });
    expect(line?.delivered_frames).toBe(12 * Number(line?.published_frames));
  }
  expect(ratios).toMatchObject({ bench: "relays-processor-ratios", relays: 2 });
});
