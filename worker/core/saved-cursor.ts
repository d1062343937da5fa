// The state of a cursor that survives sleep. For a cursor in step, this is only the fact that it is in step, so nothing
// has to be saved while it stays so.
import type { SavedCursor } from "./attachment.ts";
import type { TrackCursor } from "./track-cursor.ts";

export function savedOf({ track, told, state, inStep, isReliable }: TrackCursor): SavedCursor {
  const { name, number, epoch } = track;
  const kept = inStep ? { at: "flowing" as const, cursor: null, strict: isReliable } : { ...state };
  return { name, number, epoch, told, state: kept };
}

/** True if `saved` equals the result of `savedOf`. Allocates nothing while frames flow. */
export function isSaved({ track, told, state, inStep }: TrackCursor, saved: SavedCursor): boolean {
  if (saved.number !== track.number || saved.epoch !== track.epoch || saved.told !== told) return false;
  const before = saved.state;
  if (state.at !== "flowing" || before.at !== "flowing") return JSON.stringify(state) === JSON.stringify(before);
  return before.strict === state.strict && before.cursor === (inStep ? null : state.cursor);
}
