// A connection that receives: its cursors, its credit, its figures. Decides before each send; never sends and then cuts.
import { Close, type CloseReason } from "../../protocol/close.ts";
import type { ServerMessage } from "../../protocol/control.ts";
import type { Attachment, CursorState, Subscription } from "./attachment.ts";
import type { Usage } from "./authorize.ts";
import type { Connection } from "./connection.ts";
import { CursorSet } from "./cursor-set.ts";
import { HoldAllowance } from "./hold-allowance.ts";
import type { Track } from "./track.ts";
import type { Step, TrackCursor } from "./track-cursor.ts";
import type { Tuning } from "./tuning.ts";

/** What a room tells of a subscriber. Bytes are those handed to its socket. */
export interface SubscriberFigures {
  readonly framesSent: number;
  readonly bytesSent: number;
  readonly gaps: number;
  readonly framesSkipped: number;
  readonly bytesInFlight: number;
  /** Frames that the room has and has not sent it. */
  readonly framesBehind: number;
  readonly lastPong: number | undefined;
  readonly state: "in-step" | "behind" | "paused";
}

/**
 * How a turn ended. `done`: it has what there is, or waits for data or credit. `full`: it has more to get, as soon as
 * something drains. `late`: nothing is sent until all that is on its way got through. Else it has to be closed.
 */
export type Turn = "done" | "full" | "late" | CloseReason;

/** One subscriber. `pump` sends what may be sent now. */
export class Subscriber {
  readonly connection: Connection;
  readonly #tuning: Tuning;
  readonly #cursors: CursorSet;
  readonly #hold: HoldAllowance;
  #subscription: Subscription;
  /** Bytes that a `reliable` subscriber still takes. */
  #credit: number;
  #gaps = 0;
  #framesSent = 0;
  #framesSkipped = 0;
  #savedAs: string | undefined;

  constructor(connection: Connection, subscription: Subscription, tuning: Tuning) {
    this.connection = connection;
    this.#subscription = subscription;
    this.#tuning = tuning;
    this.#cursors = new CursorSet(subscription.delivery === "reliable");
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

  /** Where it stands in `track`; undefined: it does not get it. */
  cursorOf(track: Track): TrackCursor | undefined {
    return this.#cursors.get(track);
  }

  /** A track that it wants is there. */
  attach(track: Track, now: number): void {
    this.#cursors.attach(track, this.#subscription, now);
  }

  /** After sleep: a cursor as it was saved. */
  restore(track: Track, state: CursorState, told: string | null): void {
    this.#cursors.restore(track, state, told);
  }

  /** The track is no more. Where one of that name comes again, it is a new one: a position in the old one is spent. */
  detach(track: Track): void {
    this.#cursors.delete(track);
    const { start } = this.#subscription;
    if (start.at === "position") {
      const positions = start.positions.filter((one) => one.track !== track.name && one.track !== null);
      this.#subscription = { ...this.#subscription, start: { ...start, positions } };
    }
    this.save();
  }

  /** Tells a framed subscriber; to a plain one text means nothing. */
  tell(message: ServerMessage): void {
    if (message.type === "gap") {
      this.#gaps++;
      this.#framesSkipped += message.to === null ? 0 : message.to - message.from + 1;
    }
    this.connection.tell(message);
  }

  /** So many more bytes may go to a `reliable` subscriber. */
  grant(bytes: number): void {
    this.#credit += bytes;
  }

  /** Sends what may be sent now in `track`: in one turn at most a block, or one frame. */
  pump(track: Track, now: number): Turn {
    const end = this.connection.sentBytes + this.#tuning.blockBytes;
    const cursor = this.#cursors.get(track);
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
        // Not before all that is on its way got through: until then it might have to skip again.
        if (!this.connection.drained(now)) return this.#pause(cursor);
        cursor.skip();
        continue;
      }
      if (this.connection.sentBytes >= end) return "full";
      const turn = this.#send(cursor, step, now);
      if (turn !== undefined) return turn;
    }
  }

  /** Bytes of `track` that are queued for it or still to be sent. */
  backlogBytes(track: Track): number {
    const cursor = this.#cursors.get(track)?.cursor;
    const rest = cursor === undefined || cursor === track.next ? 0 : track.history.bytesFrom(cursor);
    return rest + this.connection.queuedBytes;
  }

  /** The track's numbering ended at `end` (null: nobody knows where); it goes on with the new one. */
  leaveEpoch(track: Track, epoch: string, end: number | null): void {
    this.#tellStep(this.#cursors.get(track)?.leaveEpoch(epoch, end));
  }

  /** No frame of the track may come for long: what is missing is told now, not at the next group. */
  tellMissing(track: Track): void {
    this.#tellStep(this.#cursors.get(track)?.tellMissing());
    this.save();
  }

  /** The oldest frame that it still needs of `track`, if it may not skip it. */
  needs(track: Track): number | undefined {
    return this.isReliable ? this.#cursors.get(track)?.needs : undefined;
  }

  /** May a `reliable` subscriber hold the publisher now? Once its time is used up, it skips until it has caught up. */
  mayHold(track: Track, now: number, holds: boolean): boolean {
    const may = this.#hold.use(now, holds);
    if (!may) this.#cursors.get(track)?.skipNow();
    return may;
  }

  /** When its time of holding will be used up. */
  holdsUntil(now: number): number {
    return this.#hold.endsAt(now);
  }

  /** Keeps what must survive sleep, where it changed. Cheap where it did not: nothing is built. */
  save(): void {
    const { who } = this.connection;
    const form = `${who.jti} ${who.expiresAt} ${this.isReliable ? this.#credit : ""} ${this.#cursors.form}`;
    if (form === this.#savedAs) return;
    this.#savedAs = form;
    this.connection.save(this.#saved());
  }

  figures(now: number): SubscriberFigures {
    return {
      framesSent: this.#framesSent,
      bytesSent: this.connection.sentBytes,
      gaps: this.#gaps,
      framesSkipped: this.#framesSkipped,
      bytesInFlight: this.connection.inFlight(now),
      lastPong: this.connection.lastPong(),
      ...this.#cursors.figures(),
    };
  }

  #saved(): Attachment {
    const { id, who } = this.connection;
    const credit = this.isReliable ? this.#credit : null;
    return { role: "subscriber", id, who, subscription: this.#subscription, credit, cursors: this.#cursors.saved };
  }

  /** undefined: the cursor goes on. */
  #send(cursor: TrackCursor, step: Step & { do: "send" | "init" }, now: number): Turn | undefined {
    if (this.#credit <= 0) return "done";
    const bytes = this.#bytesOf(cursor, step);
    const gate = bytes === undefined ? "open" : this.connection.gate(bytes.byteLength, now);
    if (gate === "unproven") return Close.unproven;
    if (gate === "late") return this.#pause(cursor);
    if (gate !== "open") return gate;
    if (bytes !== undefined) {
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

  /** What goes over the wire; undefined: nothing, in plain mode. */
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

  #tellStep(step: Step | undefined): void {
    if (step?.do === "tell") this.tell(step.message);
  }
}
