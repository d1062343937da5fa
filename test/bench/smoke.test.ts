// The benchmarks themselves: a tiny fan-out of each kind prints lines of the expected shape, and loses nothing.
import { expect, test } from "vitest";
import { core } from "../../bench/core.ts";
import { cost } from "../../bench/cost.ts";
import { fanOut } from "../../bench/fan-out.ts";
import type { Measurement } from "../../bench/report.ts";
import { startTargets } from "../../bench/targets/choose.ts";

const KINDS = ["roomcast-framed", "roomcast-plain", "loop", "relay"] as const;
const CASE = { bench: "smoke", subscribers: 5, payloadBytes: 1000, windowBytes: 64 * 1024, seconds: 1, rounds: 1 };

test("a fan-out of each kind counts every frame and loses none", async () => {
  const lines: Measurement[] = [];
  await using targets = await startTargets(KINDS);
  await fanOut(CASE, targets.all, (line) => lines.push(line));

  const [ratios, ...measurements] = lines.reverse();
  expect(measurements.map(({ target }) => target).sort()).toEqual([...KINDS].sort());
  for (const line of measurements) {
    expect(line).toMatchObject({ bench: "smoke", subscribers: 5, payload_bytes: 1000, round: 1, lost_frames: 0 });
    const delivered = Number(line.delivered_frames) + Number(line.told_missing_frames);
    expect(delivered).toBe(Number(line.published_frames) * CASE.subscribers);
    for (const figure of ["published_frames", "seconds", "delivered_mb_per_second", "frames_per_message"]) {
      expect(line[figure], `${figure} of ${line.target}`).toBeGreaterThan(0);
    }
    expect(JSON.parse(JSON.stringify(line))).toEqual(line);
  }
  expect(ratios).toMatchObject({ bench: "smoke-ratios", rounds: 1 });
  expect(ratios?.["roomcast-framed_over_loop"]).toBeGreaterThan(0);
});

test("the core's benchmark sends every frame to everybody", () => {
  const lines: Measurement[] = [];
  const one = { subscribers: 10, payloadBytes: 100, framed: true, everyMs: 1000, rounds: 1, frames: 50 };
  core(one, (line) => lines.push(line));
  expect(lines).toMatchObject([{ bench: "core", target: "hub-framed", subscribers: 10, frames_per_send: 1 }]);
});

test("the costs of five shapes of rooms are below the prices of other services", () => {
  const lines: Measurement[] = [];
  cost((line) => lines.push(line));
  expect(lines).toHaveLength(5);
  for (const line of lines) {
    const own = Number(line.dollars_per_1000_viewer_hours);
    expect(own).toBeGreaterThan(0);
    expect(own).toBeLessThan(Number(line.ably_per_1000_viewer_hours));
    expect(own).toBeLessThan(Number(line.livekit_per_1000_viewer_hours));
  }
  // An object that is awake for an hour: 0.00576, and thirty messages a second: 0.00081.
  const camera = lines.find(({ shape }) => shape === "camera");
  expect(Number(camera?.dollars_per_hour)).toBeCloseTo(0.0068, 3);
});
