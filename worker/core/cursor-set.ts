// The cursors of one subscriber, one for each of its tracks: their start, and their state that survives sleep.
import type { Start } from "../../protocol/position.ts";
import type { CursorState, SavedCursor, Subscription } from "./attachment.ts";
import { isSaved, savedOf } from "./saved-cursor.ts";
import type { Track } from "./track.ts";
import { TrackCursor } from "./track-cursor.ts";

/** Cursors by the names of their tracks. */
export class CursorSet {
  readonly #isReliable: boolean;
  readonly #isFramed: boolean;
  readonly #cursors = new Map<string, TrackCursor>();

  constructor({ delivery, framed }: Subscription) {
    this.#isReliable = delivery === "reliable";
    this.#isFramed = framed;
  }

  get(track: Track): TrackCursor | undefined {
    return this.#cursors.get(track.name);
  }

  /** A track exists now. A subscriber that joined before its first frame gets all of its frames. */
  attach(track: Track, { start }: Subscription, now: number): void {
    const begin = track.isNumbered ? track.beginsAt : null;
    const isNew = !isPositioned(start, track.name);
    let state = startState(start, track, now);
    // At a relay whose parent has ended the epoch, the next frames are in another one.
    if (isNew && track.isBetweenEpochs) state = startState({ at: "live" }, track, now);
    else if (isNew && begin !== null) state = { at: "flowing", cursor: begin, strict: this.#isReliable };
    this.restore(track, state, null);
  }

  /** After sleep: restores a stored cursor. */
  restore(track: Track, state: CursorState, told: string | null): void {
    this.#cursors.set(track.name, new TrackCursor(track, state, told, this.#isReliable, this.#isFramed));
  }

  delete(track: Track): void {
    this.#cursors.delete(track.name);
  }

  /** The subscriber has lost the init of `track`: it gets the init again, before the next frame. */
  forgetInit(track: Track): void {
    this.get(track)?.forgetInit();
  }

  /** True if each cursor has all frames of its track. */
  get isInStep(): boolean {
    for (const { inStep } of this.#cursors.values()) if (!inStep) return false;
    return true;
  }

  /** True if a cursor was in step with a track when the object fell asleep, and nobody knows the position. */
  get isLost(): boolean {
    for (const { track, state } of this.#cursors.values()) {
      if (track.next === null && state.at === "flowing" && state.cursor === null) return true;
    }
    return false;
  }

  /** True if a cursor is paused. */
  get isPaused(): boolean {
    for (const { state } of this.#cursors.values()) if (state.at === "paused") return true;
    return false;
  }

  /** The state that survives sleep. */
  get saved(): SavedCursor[] {
    return Array.from(this.#cursors.values(), savedOf);
  }

  /** True if this state equals an earlier `saved`. */
  isAs(saved: readonly SavedCursor[]): boolean {
    if (saved.length !== this.#cursors.size) return false;
    for (const one of saved) {
      const cursor = this.#cursors.get(one.name);
      if (cursor === undefined || !isSaved(cursor, one)) return false;
    }
    return true;
  }

  /** The number of frames that the subscriber is behind, and its state. */
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

/** The start of a newcomer's cursor. `now` in ms since 1970. */
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
      if (position !== undefined) return { at: "resuming", position };
      return start.elseOldest === true ? oldest(track) : seeking;
    }
  }
}

/** The oldest frame in history; if it is empty, the next frame. */
function oldest({ history, next }: Track): CursorState {
  return { at: "flowing", cursor: history.first ?? next, strict: true };
}
