// One subscriber in one track: where it stands, and what it gets next.
import type { GapReason, ServerMessage } from "../../protocol/control.ts";
import type { Position } from "../../protocol/position.ts";
import type { CursorState } from "./attachment.ts";
import type { Block } from "./block.ts";
import type { Init, Track } from "./track.ts";

/** What a cursor wants done next: `send` and `tell` are to be done in order; `wait` ends the turn. */
export type Step =
  | { readonly do: "send"; readonly block: Block }
  /** What comes next has left history, or is older than the subscriber wants while a newer group is there. */
  | { readonly do: "skip" }
  | { readonly do: "init"; readonly init: Init }
  | { readonly do: "tell"; readonly message: ServerMessage }
  | { readonly do: "wait" };

const WAIT: Step = { do: "wait" };
const SKIP: Step = { do: "skip" };
/** The state changed: look again. */
const AGAIN = { do: "again" } as const;

/** The state machine of a subscriber in a track. It sends nothing itself: `step` says what to do. */
export class TrackCursor {
  readonly track: Track;
  #state: CursorState;
  /** The epoch that the subscriber was told for this track's number. */
  #told: string | null;
  /** Frames from `#since` to the cursor went out without a hole; null: it has not begun. */
  #since: number | null;
  #caughtUp: boolean;
  readonly #reliable: boolean;

  constructor(track: Track, state: CursorState, told: string | null, reliable: boolean) {
    this.track = track;
    this.#state = state;
    this.#told = told;
    this.#since = told === null ? null : 0;
    this.#caughtUp = told !== null;
    this.#reliable = reliable;
  }

  get state(): CursorState {
    return this.#state;
  }

  get told(): string | null {
    return this.#told;
  }

  /** Has it all that the track has, or may have had before the room lost its memory? */
  get inStep(): boolean {
    return this.#state.at === "flowing" && (this.#state.cursor === null || this.#state.cursor === this.track.end);
  }

  /** Frames of the track that it has not got. */
  get framesBehind(): number {
    const { next } = this.track;
    const from = this.#state.at === "seeking" ? this.#state.from : this.cursor;
    return Math.max(0, (next ?? 0) - (from ?? next ?? 0));
  }

  /** The next frame that it gets from history. */
  get cursor(): number | undefined {
    return this.#state.at === "flowing" || this.#state.at === "paused" ? (this.#state.cursor ?? undefined) : undefined;
  }

  /** The oldest frame that it may not skip. */
  get needs(): number | undefined {
    const isStrict = (this.#state.at === "flowing" || this.#state.at === "paused") && this.#state.strict;
    return isStrict ? this.cursor : undefined;
  }

  /**
   * The next thing to do. `latest`: the subscriber wants nothing older than the newest group; others want nothing that
   * the room got before `oldest` (ms since 1970), where a newer group is there. A run has at most `maxBytes`, or is one frame.
   */
  step(latest: boolean, oldest: number, maxBytes: number): Step {
    for (;;) {
      const step = this.#look(latest ? Number.POSITIVE_INFINITY : oldest, maxBytes);
      if (step.do !== "again") return step;
    }
  }

  /** The block of a `send` step went out. */
  sent(block: Block): void {
    if (this.#state.at === "flowing") this.#state = { ...this.#state, cursor: block.next };
  }

  /** It goes on at the newest group. */
  skip(): void {
    if (this.#state.at !== "flowing") return;
    const { cursor, strict } = this.#state;
    this.#state = { at: "seeking", from: cursor, reason: strict ? "history" : "lagged", notBefore: 0 };
  }

  /** The init of an `init` step went out. */
  sentInit(): void {
    this.#since = this.cursor ?? null;
  }

  /** It has had its time: it goes on at the newest group, and skips until it has caught up. */
  skipNow(): void {
    const { cursor } = this;
    const { groupStart } = this.track.history;
    if (this.needs === undefined || cursor === undefined) return;
    if (this.#state.at === "flowing" && groupStart !== undefined && groupStart > cursor) {
      this.#state = { at: "seeking", from: cursor, reason: "lagged", notBefore: 0 };
    } else if (this.#state.at === "flowing" || this.#state.at === "paused") {
      this.#state = { ...this.#state, cursor, strict: false };
    }
  }

  /** The way is full. */
  pause(): void {
    const { cursor } = this;
    if (this.#state.at === "flowing" && cursor !== undefined) {
      this.#state = { at: "paused", cursor, strict: this.#state.strict };
    }
  }

  /** The way has drained: go on where the group is still the newest, else at the newest. */
  unpause(): void {
    if (this.#state.at !== "paused") return;
    const { cursor, strict } = this.#state;
    const { first, groupStart } = this.track.history;
    const here = first !== undefined && first <= cursor;
    if (here && (strict || groupStart === undefined || groupStart <= cursor)) {
      this.#state = { at: "flowing", cursor, strict };
    } else {
      this.#state = { at: "seeking", from: cursor, reason: "lagged", notBefore: 0 };
    }
  }

  /** No group start may come for long: what it would have told there is told now. */
  tellMissing(): Step {
    const { next, name, epoch } = this.track;
    if (this.#state.at !== "seeking" || this.#state.from === null || next === null) return WAIT;
    const { from, reason } = this.#state;
    this.#state = { ...this.#state, from: next };
    return from < next ? gap(name, epoch, from, next - 1, reason) : WAIT;
  }

  /** After sleep: a cursor that was in step stands where the first frame that comes stands. */
  wake(sequence: number): void {
    if (this.#state.at === "flowing" && this.#state.cursor === null) this.#state = { ...this.#state, cursor: sequence };
  }

  /** `epoch` ended at `end` (null: nobody knows where): what is to tell of it. The cursor goes on with the new one. */
  leaveEpoch(epoch: string, end: number | null): Step {
    const state = this.#state;
    if (state.at === "resuming") return WAIT;
    const from = state.at === "seeking" ? state.from : state.cursor;
    this.#state = { at: "flowing", cursor: this.track.next, strict: this.#reliable };
    if (from === null || from === end) return WAIT;
    return gap(this.track.name, epoch, from, end === null || end < from ? null : end - 1, "epoch");
  }

  #look(oldest: number, maxBytes: number): Step | typeof AGAIN {
    switch (this.#state.at) {
      case "paused":
        return WAIT;
      case "resuming":
        return this.#resume(this.#state.position);
      case "seeking":
        return this.#seek(this.#state);
      case "flowing":
        return this.#flow(this.#state, oldest, maxBytes);
    }
  }

  #resume(position: Position): Step | typeof AGAIN {
    const { epoch, next, history } = this.track;
    if (position.epoch !== epoch) {
      this.#state = { at: "seeking", from: null, reason: "epoch", notBefore: 0 };
      return gap(this.track.name, position.epoch, position.sequence, null, "epoch");
    }
    if (next === null) return WAIT;
    const exact = position.sequence >= next || (history.first !== undefined && position.sequence >= history.first);
    this.#state = exact
      ? { at: "flowing", cursor: position.sequence, strict: true }
      : { at: "seeking", from: position.sequence, reason: "history", notBefore: 0 };
    return AGAIN;
  }

  #seek(state: CursorState & { at: "seeking" }): Step | typeof AGAIN {
    const start = this.track.history.groupStart;
    if (start === undefined || start < state.notBefore) return WAIT;
    this.#state = { at: "flowing", cursor: start, strict: this.#reliable };
    const init = this.track.initAt(start);
    const has = this.#since !== null && init !== undefined && init.sequence >= this.#since;
    if (!has || init.sequence >= (state.from ?? start)) this.#since = null;
    if (state.from === null || state.from >= start) return AGAIN;
    return gap(this.track.name, this.track.epoch, state.from, start - 1, state.reason);
  }

  #flow(state: CursorState & { at: "flowing" }, oldest: number, maxBytes: number): Step | typeof AGAIN {
    const { cursor } = state;
    const { next, history, epoch, name, number } = this.track;
    if (cursor === null || next === null) return WAIT;
    if (this.#told !== epoch) {
      this.#told = epoch;
      this.#since = null;
      return { do: "tell", message: { type: "track", track: number, name, epoch, sequence: cursor } };
    }
    if (cursor >= next) return this.#arrive(cursor);
    if (this.#since === null) {
      const init = this.track.initAt(cursor);
      if (init !== undefined) return { do: "init", init };
      this.#since = cursor;
    }
    const hole = this.track.holeAt(cursor);
    if (hole !== undefined) {
      this.#state = { ...state, cursor: hole.to + 1 };
      return gap(name, epoch, cursor, hole.to, hole.reason);
    }
    const block = history.read(cursor, maxBytes);
    const mayGo = !state.strict && history.groupStart !== undefined && history.groupStart > cursor;
    return block === undefined || (mayGo && block.receivedAt < oldest) ? SKIP : { do: "send", block };
  }

  #arrive(sequence: number): Step {
    this.#state = { at: "flowing", cursor: sequence, strict: this.#reliable };
    if (this.#caughtUp) return WAIT;
    this.#caughtUp = true;
    const { name, epoch } = this.track;
    return { do: "tell", message: { type: "caught-up", name, epoch, sequence } };
  }
}

function gap(name: string, epoch: string, from: number, to: number | null, reason: GapReason): Step {
  return { do: "tell", message: { type: "gap", name, epoch, from, to, reason } };
}
