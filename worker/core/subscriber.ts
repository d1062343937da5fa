// A connection that receives: its cursors, its way, its credit, its figures. Decides before each send; never sends and then cuts.

import { Close, type CloseReason } from "../../protocol/close.ts";
import type { ServerMessage } from "../../protocol/control.ts";
import { Flag } from "../../protocol/frame.ts";
import type { Attachment, CursorState, Subscription, Who } from "./attachment.ts";
import type { Usage } from "./authorize.ts";
import type { Batch } from "./batch.ts";
import { SendWindow, type Signals } from "./send-window.ts";
import type { Sink } from "./sink.ts";
import type { Init, Track } from "./track.ts";
import { type Step, startState, TrackCursor } from "./track-cursor.ts";
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

/** `latest` does not let a second group begin to queue. */
const LATEST = { windowBytes: 128 * 1024, lagMs: 500, heldBytes: 256 * 1024 };

/** How a turn ended: `open`: it has what there is or waits for data; else it has to be looked at again (`more`: soon). */
export type Turn = "open" | "more" | "paused" | CloseReason;

/** One subscriber. `pump` sends what may be sent now. */
export class Subscriber {
  readonly id: string;
  #who: Who;
  readonly subscription: Subscription;
  readonly #sink: Sink;
  readonly #settings: Tuning;
  readonly #flow: SendWindow;
  readonly #cursors = new Map<string, TrackCursor>();
  /** Bytes that a `reliable` subscriber still takes. */
  #credit: number;
  /** When a `reliable` subscriber last gave credit, and since when a stalled one has been paused. */
  #progressAt: number;
  #pausedAt: number | undefined;
  #framesSent = 0;
  #gaps = 0;
  #framesSkipped = 0;
  #heldBytes = 0;
  #queuedBytes = 0;
  #savedAs: string | undefined;

  constructor(id: string, who: Who, subscription: Subscription, sink: Sink, settings: Tuning, now: number) {
    this.id = id;
    this.#who = who;
    this.subscription = subscription;
    this.#sink = sink;
    this.#settings = subscription.delivery === "latest" ? { ...settings, ...LATEST } : settings;
    this.#flow = new SendWindow(this.#settings);
    this.#credit = subscription.delivery === "reliable" ? 0 : Number.POSITIVE_INFINITY;
    this.#progressAt = now;
  }

  get who(): Who {
    return this.#who;
  }

  get usage(): Usage {
    return { role: "subscribe", who: this.#who, tracks: this.subscription.tracks, reliable: this.#reliable };
  }

  /** Goes on with another token; that survives sleep. */
  renew(who: Who): void {
    this.#who = who;
    this.#sink.save(this.#saved());
  }

  get #reliable(): boolean {
    return this.subscription.delivery === "reliable";
  }

  wants(track: Track): boolean {
    return this.subscription.tracks === null || this.subscription.tracks.includes(track.name);
  }

  /** A track that it wants is there. Who comes before the first frame gets all of them. */
  attach(track: Track, now: number): void {
    const { start } = this.subscription;
    const begin = track.beginsAt;
    const state: CursorState =
      begin !== null && start.at !== "position"
        ? { at: "flowing", cursor: begin, strict: this.#reliable }
        : startState(start, track, now);
    this.#cursors.set(track.name, new TrackCursor(track, state, null, this.#reliable));
  }

  /** After sleep: a cursor as it was saved. */
  restore(track: Track, state: CursorState, told: string | null): void {
    this.#cursors.set(track.name, new TrackCursor(track, state, told, this.#reliable));
  }

  /** After sleep: `sequence` is the first frame that comes. */
  wake(track: Track, sequence: number): void {
    this.#cursors.get(track.name)?.wake(sequence);
  }

  /** Tells a framed subscriber; to a plain one text means nothing. */
  tell(message: ServerMessage): void {
    if (message.type === "gap") {
      this.#gaps++;
      this.#framesSkipped += message.to === null ? 0 : message.to - message.from + 1;
    }
    if (this.subscription.framed) this.#sink.send(JSON.stringify(message));
  }

  close(reason: CloseReason, text: string): void {
    this.#sink.close(reason.code, text);
  }

  /** So many more bytes may go to a `reliable` subscriber. */
  grant(bytes: number, now: number): void {
    this.#credit += bytes;
    this.#progressAt = now;
  }

  /** Sends what may be sent now in `track`. `heldBytes`: what may sit in this process for it; `shareBytes`: what a turn brings. */
  pump(track: Track, now: number, heldBytes: number, shareBytes: number): Turn {
    const end = this.#flow.sent + shareBytes;
    const cursor = this.#cursors.get(track.name);
    if (cursor === undefined) return "open";
    if (cursor.state.at === "paused") {
      const stalled = this.#tryUnpause(cursor, now);
      if (stalled !== undefined) return stalled;
    }
    for (;;) {
      const step = cursor.step(this.subscription.delivery === "latest");
      if (step.do === "wait") break;
      if (step.do === "send") {
        if (this.#flow.sent >= end) return "more";
        const turn = this.#gate(cursor, now, heldBytes);
        if (turn !== undefined) return turn;
      }
      this.#perform(cursor, step, now);
    }
    return "open";
  }

  /** Bytes on their way as of the last decision: in this process, where the runtime can tell. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Of these, what is known to sit in this process. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** Looks again how much is on its way. */
  sample(now: number): void {
    const signals = this.#signals(now);
    this.#flow.observe(signals);
    this.#note(signals);
  }

  /** Is its way full in `track`? */
  isPaused(track: Track): boolean {
    return this.#cursors.get(track.name)?.state.at === "paused";
  }

  /** The track's numbering ended at `end` (null: nobody knows where); it goes on with the new one. */
  leaveEpoch(track: Track, epoch: string, end: number | null): void {
    this.#tellStep(this.#cursors.get(track.name)?.leaveEpoch(epoch, end));
  }

  /** The track's source is gone: what is missing is told now, since no group start may come. */
  settle(track: Track): void {
    this.#tellStep(this.#cursors.get(track.name)?.settle());
    this.save();
  }

  /** The oldest frame that it still needs of `track`, if it may not skip it. */
  needs(track: Track): number | undefined {
    return this.#reliable ? this.#cursors.get(track.name)?.cursor : undefined;
  }

  /** Has a `reliable` subscriber given no credit for too long? */
  isStalled(now: number): boolean {
    return this.#reliable && now - this.#progressAt > this.#settings.stalledMs;
  }

  /** Keeps what must survive sleep, where it changed. Cheap where it did not: nothing is built. */
  save(): void {
    let form = this.#reliable ? `${this.#credit} ` : "";
    for (const cursor of this.#cursors.values()) {
      form += `${cursor.track.epoch} ${cursor.told} ${cursor.inStep ? "" : JSON.stringify(cursor.state)} `;
    }
    if (form === this.#savedAs) return;
    this.#savedAs = form;
    this.#sink.save(this.#saved());
  }

  figures(now: number): SubscriberFigures {
    const cursors = [...this.#cursors.values()];
    const paused = cursors.some((cursor) => cursor.state.at === "paused");
    return {
      framesSent: this.#framesSent,
      bytesSent: this.#flow.sent,
      gaps: this.#gaps,
      framesSkipped: this.#framesSkipped,
      framesBehind: cursors.reduce((sum, cursor) => sum + cursor.framesBehind, 0),
      bytesInFlight: this.#flow.inFlight(this.#signals(now)),
      lastPong: this.#sink.lastPong(),
      state: paused ? "paused" : cursors.every((cursor) => cursor.inStep) ? "in-step" : "behind",
    };
  }

  #saved(): Attachment {
    const cursors = [...this.#cursors.values()].map((cursor) => ({
      name: cursor.track.name,
      number: cursor.track.number,
      epoch: cursor.track.epoch,
      told: cursor.told,
      state: cursor.inStep ? ({ at: "flowing", cursor: null, strict: this.#reliable } as const) : cursor.state,
    }));
    const credit = this.#reliable ? this.#credit : null;
    return { role: "subscriber", id: this.id, who: this.#who, subscription: this.subscription, credit, cursors };
  }

  #note(signals: Signals): void {
    this.#queuedBytes = signals.buffered ?? 0;
    this.#heldBytes = signals.buffered ?? this.#flow.inFlight(signals);
  }

  #signals(now: number): Signals {
    return { now, pongAt: this.#sink.lastPong(), buffered: this.#sink.bufferedBytes() };
  }

  /** undefined: a batch may be sent now. */
  #gate(cursor: TrackCursor, now: number, heldBytes: number): Turn | undefined {
    if (this.#credit <= 0) return "open";
    const signals = this.#signals(now);
    this.#flow.observe(signals);
    this.#note(signals);
    const way = this.#flow.way(signals, Math.min(heldBytes, this.#settings.heldBytes));
    if (way === "open") return undefined;
    if (way === "unproven") return Close.unproven;
    cursor.pause();
    this.#pausedAt ??= now;
    return "paused";
  }

  /** undefined: the cursor goes on. */
  #tryUnpause(cursor: TrackCursor, now: number): Turn | undefined {
    const signals = this.#signals(now);
    this.#flow.observe(signals);
    if (this.#flow.drained(signals)) {
      this.#pausedAt = undefined;
      cursor.unpause();
      return undefined;
    }
    const stalled = now - (this.#pausedAt ?? now) > this.#settings.stalledMs;
    return stalled ? Close.slow : "paused";
  }

  #tellStep(step: Step | undefined): void {
    if (step?.do === "tell") this.tell(step.message);
  }

  #perform(cursor: TrackCursor, step: Exclude<Step, { do: "wait" }>, now: number): void {
    switch (step.do) {
      case "tell":
        return this.tell(step.message);
      case "init":
        return this.#sendInit(step.init, now);
      case "send":
        this.#sendBatch(cursor, step.batch, now);
        cursor.sent(step.batch);
    }
  }

  #sendInit(init: Init, now: number): void {
    this.#send(this.subscription.framed ? init.message : init.payload, now);
  }

  #sendBatch(cursor: TrackCursor, batch: Batch, now: number): void {
    this.#framesSent += batch.frames.length;
    if (this.subscription.framed) return this.#send(batch.bytes, now);
    const payload = cursor.track.history.payload(batch);
    const isMark = payload.byteLength === 0 && batch.frames.every((frame) => (frame.flags & Flag.end) !== 0);
    if (!isMark) this.#send(payload, now);
  }

  #send(bytes: Uint8Array, now: number): void {
    this.#sink.send(bytes);
    this.#flow.add(bytes.byteLength, now);
    this.#credit -= bytes.byteLength;
  }
}
