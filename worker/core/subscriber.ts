// A receiving connection: its cursors, its credit, its figures. It decides before each send; it never sends and then
// cuts.
import { Close, type CloseReason } from "../../protocol/close.ts";
import type { ServerMessage } from "../../protocol/control.ts";
import { type Attachment, type CursorState, isLink, type Subscription } from "./attachment.ts";
import type { Usage } from "./authorize.ts";
import type { Connection } from "./connection.ts";
import { CursorSet } from "./cursor-set.ts";
import type { Step } from "./cursor-step.ts";
import { HoldAllowance } from "./hold-allowance.ts";
import type { Track } from "./track.ts";
import type { TrackCursor } from "./track-cursor.ts";
import type { Tuning } from "./tuning.ts";

/** A subscriber's figures for the API. Bytes are those handed to its socket. */
export interface SubscriberFigures {
  readonly framesSent: number;
  readonly bytesSent: number;
  readonly gaps: number;
  readonly framesSkipped: number;
  readonly bytesInFlight: number;
  /** Frames that the room has and has not sent to it. */
  readonly framesBehind: number;
  readonly lastPong: number | undefined;
  readonly state: "in-step" | "behind" | "paused";
}

/**
 * The result of a turn. `done`: it has everything, or waits for data or credit. `full`: it has more to get when
 * something drains. `late`: nothing is sent until everything on its way has got through. Otherwise it has to be closed.
 */
export type Turn = "done" | "full" | "late" | CloseReason;

/** One subscriber. `pump` sends as much as allowed. */
export class Subscriber {
  readonly connection: Connection;
  readonly cursors: CursorSet;
  readonly #tuning: Tuning;
  readonly #hold: HoldAllowance;
  #subscription: Subscription;
  /** Bytes that a `reliable` subscriber still accepts. */
  #credit: number;
  #gaps = 0;
  #framesSent = 0;
  #framesSkipped = 0;
  /** Its last stored state. */
  #saved: (Attachment & { readonly role: "subscriber" }) | undefined;

  constructor(connection: Connection, subscription: Subscription, tuning: Tuning) {
    this.connection = connection;
    this.#subscription = subscription;
    this.#tuning = tuning;
    this.cursors = new CursorSet(subscription);
    this.#credit = this.isReliable ? 0 : Number.POSITIVE_INFINITY;
    this.#hold = new HoldAllowance(tuning);
  }

  get id(): string {
    return this.connection.id;
  }

  get subscription(): Subscription {
    return this.#subscription;
  }

  get usage(): Usage {
    const { who } = this.connection;
    return { role: "subscribe", who, tracks: this.#subscription.tracks, reliable: this.isReliable };
  }

  get isReliable(): boolean {
    return this.#subscription.delivery === "reliable";
  }

  wants(track: Track): boolean {
    const { tracks } = this.#subscription;
    return tracks === null || tracks.includes(track.name);
  }

  /** A track that it wants exists now. */
  attach(track: Track, now: number): void {
    this.cursors.attach(track, this.#subscription, now);
  }

  /** After sleep: restores a stored cursor. */
  restore(track: Track, state: CursorState, told: string | null): void {
    this.cursors.restore(track, state, told);
  }

  /** The track no longer exists. A later track of that name is a new one: a position in the old one is invalid. */
  detach(track: Track): void {
    this.cursors.delete(track);
    const { start } = this.#subscription;
    if (start.at === "position") {
      const positions = start.positions.filter((one) => one.track !== track.name && one.track !== null);
      this.#subscription = { ...this.#subscription, start: { ...start, positions } };
    }
    this.save();
  }

  /** Sends a control message to a framed subscriber. A plain one gets none. */
  tell(message: ServerMessage): void {
    if (message.type === "gap") {
      this.#gaps++;
      this.#framesSkipped += message.to === null ? 0 : message.to - message.from + 1;
    }
    this.connection.tell(message);
  }

  /** A `reliable` subscriber accepts this many further bytes. */
  grant(bytes: number): void {
    this.#credit += bytes;
  }

  /** Sends as much of `track` as allowed: in one turn at most a block, or one frame. */
  pump(track: Track, now: number): Turn {
    this.connection.beginTurn();
    const end = this.connection.sentBytes + this.#tuning.blockBytes;
    const cursor = this.cursors.get(track);
    if (cursor === undefined) return "done";
    if (cursor.state.at === "paused" && !this.#resumes(cursor, now)) {
      return this.connection.isStuck(now, this.#tuning.stalledMs) ? Close.slow : "late";
    }
    const isLatest = this.#subscription.delivery === "latest";
    const oldest = now - this.#tuning.lateMs;
    for (;;) {
      const step = cursor.step(isLatest, oldest, this.connection.chunkBytes);
      if (step.do === "wait") return "done";
      if (step.do === "tell") {
        this.tell(step.message);
        continue;
      }
      if (step.do === "skip") {
        // Not before everything on its way has got through: until then, it might have to skip again.
        if (!this.connection.drained(now)) return this.#pause(cursor);
        cursor.skip();
        continue;
      }
      if (this.connection.sentBytes >= end) return "full";
      const turn = this.#send(cursor, step, now);
      if (turn !== undefined) return turn;
    }
  }

  /** Bytes of `track` that are queued for it or not sent yet. */
  backlogBytes(track: Track): number {
    const cursor = this.cursors.get(track)?.cursor;
    const rest = cursor === undefined || cursor === track.next ? 0 : track.history.bytesFrom(cursor);
    return rest + this.connection.queuedBytes;
  }

  /** The track's numbering ended at `end` (null: unknown); it continues with the new one. */
  leaveEpoch(track: Track, epoch: string, end: number | null): void {
    for (const message of this.cursors.get(track)?.leaveEpoch(epoch, end) ?? []) this.tell(message);
  }

  /** No frame of the track may come for long: reports missing frames now, not at the next group. */
  tellMissing(track: Track): void {
    const step = this.cursors.get(track)?.tellMissing();
    if (step?.do === "tell") this.tell(step.message);
    this.save();
  }

  /** The oldest frame that it still needs of `track`, if it may not skip it. */
  needs(track: Track): number | undefined {
    return this.isReliable ? this.cursors.get(track)?.needs : undefined;
  }

  /**
   * True if a `reliable` subscriber may hold the publisher now. When its time is used up, it skips until it has caught
   * up.
   */
  mayHold(track: Track, now: number, holds: boolean): boolean {
    const may = this.#hold.use(now, holds);
    if (!may) this.cursors.get(track)?.skipNow();
    return may;
  }

  /** When its holding time will be used up. */
  holdsUntil(now: number): number {
    return this.#hold.endsAt(now);
  }

  /** Stores the state that must survive sleep, if it changed. It is cheap if nothing changed: it allocates nothing. */
  save(): void {
    const { id, who } = this.connection;
    const credit = this.isReliable ? this.#credit : null;
    const before = this.#saved;
    if (before?.who === who && before.credit === credit && this.cursors.isAs(before.cursors)) return;
    const cursors = this.cursors.saved;
    this.#saved = { role: "subscriber", id, who, subscription: this.#subscription, credit, cursors };
    this.connection.save(this.#saved);
  }

  figures(now: number): SubscriberFigures {
    return {
      framesSent: this.#framesSent,
      bytesSent: this.connection.sentBytes,
      gaps: this.#gaps,
      framesSkipped: this.#framesSkipped,
      bytesInFlight: this.connection.inFlight(now),
      lastPong: this.connection.lastPong(),
      ...this.cursors.figures(),
    };
  }

  /** undefined: the cursor continues. */
  #send(cursor: TrackCursor, step: Step & { do: "send" | "init" }, now: number): Turn | undefined {
    if (this.#credit <= 0) return "done";
    const bytes = this.#bytesOf(cursor, step);
    const gate = bytes === undefined ? "open" : this.connection.gate(bytes.byteLength, now);
    if (gate === "unproven") return Close.unproven;
    if (gate === "late") return this.#pause(cursor);
    if (gate !== "open") return gate;
    if (bytes !== undefined) {
      if (step.do === "send" && isLink(this.#subscription)) this.connection.tellAge(now - step.block.receivedAt);
      this.connection.send(bytes, now);
      this.#credit -= bytes.byteLength;
    }
    if (step.do === "init") cursor.sentInit();
    else {
      this.#framesSent += step.block.frameCount;
      cursor.sent(step.block);
    }
    return undefined;
  }

  /** The bytes to send; undefined: nothing, in plain mode. */
  #bytesOf(cursor: TrackCursor, step: Step & { do: "send" | "init" }): Uint8Array | undefined {
    const { framed } = this.#subscription;
    if (step.do === "init") return framed ? step.init.message : step.init.payload;
    if (framed) return step.block.bytes;
    return step.block.isEndMark ? undefined : cursor.track.history.payload(step.block);
  }

  #pause(cursor: TrackCursor): Turn {
    cursor.pause();
    return "late";
  }

  #resumes(cursor: TrackCursor, now: number): boolean {
    if (!this.connection.drained(now)) return false;
    cursor.unpause();
    return true;
  }
}
