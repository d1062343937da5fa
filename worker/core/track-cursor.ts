// One subscriber in one track: its position, and its next step.
import type { ServerMessage } from "../../protocol/control.ts";
import type { Position } from "../../protocol/position.ts";
import type { CursorState } from "./attachment.ts";
import type { Block } from "./block.ts";
import { AGAIN, announced, gap, SKIP, type Step, tell, WAIT } from "./cursor-step.ts";
import type { Track } from "./track.ts";

/** The state machine of a subscriber in a track. It sends nothing itself: `step` returns the next action. */
export class TrackCursor {
  readonly track: Track;
  #state: CursorState;
  /** The epoch that the subscriber knows for this track's number. */
  #told: string | null;
  /** Frames from `#since` to the cursor were sent without a hole; null: none was sent. */
  #since: number | null;
  #caughtUp: boolean;
  readonly isReliable: boolean;
  readonly #isFramed: boolean;
  /** A joining subscriber may know a newer epoch than a relay: it waits a moment until the relay has learned of it. */
  #mayWait: boolean;

  constructor(track: Track, state: CursorState, told: string | null, isReliable: boolean, isFramed: boolean) {
    this.track = track;
    this.#state = state;
    this.#told = told;
    this.#since = told === null ? null : 0;
    this.#caughtUp = told !== null;
    this.isReliable = isReliable;
    this.#isFramed = isFramed;
    this.#mayWait = told === null;
  }

  get state(): CursorState {
    return this.#state;
  }

  get told(): string | null {
    return this.#told;
  }

  /** True if it has all frames of the track, including those that a room without memory may have had. */
  get inStep(): boolean {
    return this.#state.at === "flowing" && (this.#state.cursor === null || this.#state.cursor === this.track.end);
  }

  /** True if it waits for an epoch that the track may come to. */
  get isEarly(): boolean {
    if (this.#state.at !== "resuming" || !this.#mayWait) return false;
    const { epoch } = this.#state.position;
    return epoch !== this.track.epoch && this.track.mayFollow(epoch);
  }

  /** It has waited long enough. */
  waitNoMore(): void {
    this.#mayWait = false;
  }

  /** The number of the track's frames that it has not got. */
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
   * The next step. `latest`: the subscriber wants nothing older than the newest group. Others want nothing from before
   * `oldest` (ms since 1970) if there is a newer group. A run has at most `maxBytes`, or one frame.
   */
  step(latest: boolean, oldest: number, maxBytes: number): Step {
    for (;;) {
      const step = this.#look(latest ? Number.POSITIVE_INFINITY : oldest, maxBytes);
      if (step.do !== "again") return step;
    }
  }

  /** The block of a `send` step was sent. */
  sent(block: Block): void {
    if (this.#state.at === "flowing") this.#state.cursor = block.next;
  }

  /** It continues at the newest group. */
  skip(): void {
    if (this.#state.at !== "flowing") return;
    const { cursor, strict } = this.#state;
    this.#state = { at: "seeking", from: cursor, reason: strict ? "history" : "lagged", notBefore: 0 };
  }

  /** The init of an `init` step was sent. */
  sentInit(): void {
    this.#since = this.cursor ?? null;
  }

  /** The subscriber has lost the init. */
  forgetInit(): void {
    this.#since = null;
  }

  /** The track has another number, which is announced before its next frame. */
  forgetNumber(): void {
    this.#told = null;
  }

  /** Its holding time is used up: it continues at the newest group, and skips until it has caught up. */
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

  /** The connection is full. */
  pause(): void {
    const { cursor } = this;
    if (this.#state.at === "flowing" && cursor !== undefined) {
      this.#state = { at: "paused", cursor, strict: this.#state.strict };
    }
  }

  /** The connection has drained: continues at its position if its group is the newest, else at the newest group. */
  unpause(): void {
    if (this.#state.at !== "paused") return;
    const { cursor, strict } = this.#state;
    const { first, groupStart } = this.track.history;
    const isNewest = strict || groupStart === undefined || groupStart <= cursor;
    if (first !== undefined && first <= cursor && isNewest) this.#state = { at: "flowing", cursor, strict };
    else this.#state = { at: "seeking", from: cursor, reason: "lagged", notBefore: 0 };
  }

  /** No group start may come for long, so the gap that would be sent there is sent now. */
  tellMissing(): Step {
    const { next, epoch } = this.track;
    if (this.#state.at !== "seeking" || this.#state.from === null || next === null) return WAIT;
    const { from, reason } = this.#state;
    this.#state = { ...this.#state, from: next };
    return from < next ? tell(gap(this.track, epoch, from, next - 1, reason)) : WAIT;
  }

  /** After sleep: a cursor that was in step takes the position of the first frame. */
  wake(sequence: number): void {
    if (this.#state.at === "flowing") this.#state.cursor ??= sequence;
  }

  /** `epoch` ended at `end` (null: unknown). Returns the messages about it. The cursor continues with the new epoch. */
  leaveEpoch(epoch: string, end: number | null): ServerMessage[] {
    const state = this.#state;
    if (state.at === "resuming") return [];
    const from = state.at === "seeking" ? state.from : state.cursor;
    const begin = this.track.beginsAt;
    this.#state =
      begin === null
        ? { at: "seeking", from: null, reason: "epoch", notBefore: 0 }
        : { at: "flowing", cursor: begin, strict: this.isReliable };
    if (from === null || from === end) return [];
    const missing = gap(this.track, epoch, from, end === null || end < from ? null : end - 1, "epoch");
    if (this.#told === epoch) return [missing];
    this.#told = epoch;
    return [announced(this.track, epoch, from), missing];
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
    if (this.isEarly) return WAIT;
    if (position.epoch !== epoch) {
      this.#state = { at: "seeking", from: null, reason: "epoch", notBefore: 0 };
      return tell(gap(this.track, position.epoch, position.sequence, null, "epoch"));
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
    this.#state = { at: "flowing", cursor: start, strict: this.isReliable };
    const init = this.track.initAt(start);
    const has = this.#since !== null && init !== undefined && init.sequence >= this.#since;
    if (!has || init.sequence >= (state.from ?? start)) this.#since = null;
    if (state.from === null || state.from >= start) return AGAIN;
    return tell(gap(this.track, this.track.epoch, state.from, start - 1, state.reason));
  }

  #flow(state: CursorState & { at: "flowing" }, oldest: number, maxBytes: number): Step | typeof AGAIN {
    const { cursor } = state;
    const { next, history, epoch } = this.track;
    if (cursor === null || next === null || !this.track.isNumbered) return WAIT;
    if (this.#told !== epoch) {
      this.#told = epoch;
      this.#since = null;
      return tell(announced(this.track, epoch, cursor));
    }
    if (cursor >= next) return this.#arrive(cursor, state.strict);
    if (this.#since === null) {
      const init = this.track.initAt(cursor);
      if (init !== undefined) return { do: "init", init };
      this.#since = cursor;
    }
    const hole = this.track.holeAt(cursor);
    if (hole !== undefined) {
      state.cursor = hole.to + 1;
      // Plain mode has no gaps, so the next frame has to be decodable by itself. A publisher drops whole groups (T16).
      const seeks = !this.#isFramed && hole.reason !== "ingest";
      if (seeks) this.#state = { at: "seeking", from: state.cursor, reason: hole.reason, notBefore: state.cursor };
      return tell(gap(this.track, epoch, cursor, hole.to, hole.reason));
    }
    const block = history.read(cursor, maxBytes);
    const mayGo = !state.strict && history.groupStart !== undefined && history.groupStart > cursor;
    return block === undefined || (mayGo && block.receivedAt < oldest) ? SKIP : { do: "send", block };
  }

  #arrive(sequence: number, strict: boolean): Step {
    if (strict !== this.isReliable) this.#state = { at: "flowing", cursor: sequence, strict: this.isReliable };
    if (this.#caughtUp) return WAIT;
    this.#caughtUp = true;
    const { name, epoch } = this.track;
    return tell({ type: "caught-up", name, epoch, sequence });
  }
}
