// The cost of events for a real room: fan-out and latency of two rooms, one of which has a queue for events, in turns.
import { ask, Pair, type PairCase } from "./pair.ts";
import type { Emit } from "./report.ts";
import { type RoomcastTarget, startRoomcast } from "./targets/roomcast.ts";

/** One line at the end: medians of both, their ratios, and what telling took. */
export async function events(one: PairCase, emit: Emit): Promise<void> {
  await using told = await startRoomcast("framed", undefined, {}, {}, ["EVENTS"]);
  await using silent = await startRoomcast("framed");
  const pair = await Pair.join(one, ["told", told], ["silent", silent]);
  const rowsBefore = await usageOf(told);
  const figures = await pair.measure();
  const rowsAfter = await usageOf(told);
  pair.leave();
  emit({
    bench: "events",
    ...figures,
    told_messages: rowsAfter.messages - rowsBefore.messages,
    told_reports: rowsAfter.queueMessages - rowsBefore.queueMessages,
    told_rows_written: rowsAfter.rowsWritten - rowsBefore.rowsWritten,
  });
}

/** The room's own counts. */
async function usageOf(target: RoomcastTarget) {
  type Counted = Record<"messages" | "rowsWritten" | "queueMessages", number>;
  return (await ask<{ cost: { usage: Counted } }>(target, "")).cost.usage;
}
