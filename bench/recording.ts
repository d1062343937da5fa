// The cost of recording for a room: fan-out and latency of two rooms, one of which is recorded, in turns, and whether
// both sleep.
import { setTimeout as sleep } from "node:timers/promises";
import { ask, Pair, type PairCase } from "./pair.ts";
import type { Emit } from "./report.ts";
import { round } from "./stats.ts";
import { type RoomcastTarget, startRoomcast } from "./targets/roomcast.ts";

/** A link is parked after 5 s, and a room without events sleeps after 10. */
const ASLEEP_MS = 30_000;

/**
 * One line at the end: medians of both, their ratios, and the recorded data. `slept`: 1 if the object was out of
 * memory.
 */
export async function recording(one: PairCase, emit: Emit): Promise<void> {
  await using recorded = await startRoomcast("framed", undefined, { recording: "all" });
  await using plain = await startRoomcast("framed");
  const pair = await Pair.join(one, ["recorded", recorded], ["plain", plain]);
  const figures = await pair.measure();
  const endedAt = Date.now();
  await sleep(ASLEEP_MS);
  const slept = async (target: RoomcastTarget) =>
    Number((await ask<{ awakeSince: number }>(target, "")).awakeSince > endedAt);
  const [recordedSlept, plainSlept] = [await slept(recorded), await slept(plain)];
  const told = await ask<{ recordings: Record<"segments" | "gaps" | "bytes", number>[] }>(recorded, "/recordings");
  pair.leave();
  const { segments = 0, gaps = 0, bytes = 0 } = told.recordings[0] ?? {};
  emit({
    bench: "recording",
    ...figures,
    recorded_slept: recordedSlept,
    plain_slept: plainSlept,
    segments,
    gaps,
    recorded_mb: round(bytes / 1e6),
  });
}
