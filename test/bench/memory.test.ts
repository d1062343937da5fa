// The memory benchmark itself: a small room prints a line for each row, and loses nothing silently.
import { expect, test } from "vitest";
import { memory } from "../../bench/memory.ts";
import type { Measurement } from "../../bench/report.ts";

const CHOICE = { subscribers: [10], frameKib: [1024], against: undefined };

test("a small room: each kind counts every frame, and loses none", async () => {
  const lines: Measurement[] = [];
  await memory({ ...CHOICE, kinds: ["healthy", "stalled", "joining"] }, (line) => lines.push(line));
  expect(lines.map(({ kind }) => kind)).toEqual(["healthy", "stalled", "joining"]);
  for (const line of lines) {
    expect(line).toMatchObject({ bench: "memory", subscribers: 10, frame_kib: 1024, lost_untold: 0 });
    expect(line.error).toBeUndefined();
    const accounted = Number(line.delivered_frames) + Number(line.told_missing_frames);
    expect(accounted).toBe(Number(line.published_frames) * 10);
    expect(line.kept).toBe(Number(line.rss_growth_mib) <= Number(line.bound_mib) ? "yes" : "no");
  }
});

test("a kind that does not exist is named", async () => {
  await expect(memory({ ...CHOICE, kinds: ["nothing"] }, () => {})).rejects.toThrow("the kinds are healthy");
});
