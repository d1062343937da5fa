// The cursors of one subscriber, one for each track that it gets: where each begins, and what of them survives sleep.
import type { Start } from "../../protocol/position.ts";
import type { CursorState, SavedCursor, Subscription } from "./attachment.ts";
import type { Track } from "./track.ts";
import { TrackCursor } from "./track-cursor.ts";

/** Cursors by the names of their tracks. */
export class CursorSet {
  readonly #isReliable: boolean;
  readonly #cursors = new Map<string, TrackCursor>();

  constructor(isReliable: boolean) {
    this.#isReliable = isReliable;
  }

  get(track: Track): TrackCursor | undefined {
    return this.#cursors.get(track.name);
  }

  /** A track is there. Who comes before its first frame gets all of them. */
  attach(track: Track, { start }: Subscription, now: number): void {
    const begin = track.beginsAt;
    const state: CursorState =
      begin !== null && !isPositioned(start, track.name)
        ? { at: "flowing", cursor: begin, strict: this.#isReliable }
        : startState(start, track, now);
    this.restore(track, state, null);
  }

  /** After sleep: a cursor as it was saved. */
  restore(track: Track, state: CursorState, told: string | null): void {
    this.#cursors.set(track.name, new TrackCursor(track, state, told, this.#isReliable));
  }

  delete(track: Track): void {
    this.#cursors.delete(track.name);
  }

  /** Changes whenever what has to be saved does. Cheap where nothing did: cursors that are in step look alike. */
  get form(): string {
    let form = "";
    for (const cursor of this.#cursors.values()) {
      form += `${cursor.track.epoch} ${cursor.told} ${cursor.inStep ? "" : JSON.stringify(cursor.state)} `;
    }
    return form;
  }

  /** What survives sleep. */
  get saved(): SavedCursor[] {
    return Array.from(this.#cursors.values(), ({ track, told, inStep, state }) => ({
      name: track.name,
      number: track.number,
      epoch: track.epoch,
      told,
      state: inStep ? ({ at: "flowing", cursor: null, strict: this.#isReliable } as const) : state,
    }));
  }

  /** Frames that the room has and the subscriber has not, and how it stands. */
  figures(): { readonly framesBehind: number; readonly state: "in-step" | "behind" | "paused" } {
    const cursors = [...this.#cursors.values()];
    const framesBehind = cursors.reduce((sum, cursor) => sum + cursor.framesBehind, 0);
    if (cursors.some(({ state }) => state.at === "paused")) return { framesBehind, state: "paused" };
    return { framesBehind, state: cursors.every(({ inStep }) => inStep) ? "in-step" : "behind" };
  }
}

function isPositioned(start: Start, name: string): boolean {
  return start.at === "position" && start.positions.some(({ track }) => track === name || track === null);
}

/** Where a newcomer's cursor begins. `now` in ms since 1970. */
function startState(start: Start, track: Track, now: number): CursorState {
  const seeking: CursorState = { at: "seeking", from: null, reason: "unknown", notBefore: 0 };
  switch (start.at) {
    case "group":
      return seeking;
    case "live":
      return { ...seeking, notBefore: track.next ?? 0 };
    case "rewind": {
      const cursor = track.history.groupAt(now - start.seconds * 1000);
      return cursor === undefined ? seeking : { at: "flowing", cursor, strict: true };
    }
    case "position": {
      const position = start.positions.find((one) => one.track === track.name || one.track === null);
      return position === undefined ? seeking : { at: "resuming", position };
    }
  }
}
