// One named flow of frames: its numbering, its history, its init, and who publishes into it.
import type { GapReason } from "../../protocol/control.ts";
import { encodeMessage, Flag, FrameType, type FrameView, HEADER_BYTES } from "../../protocol/frame.ts";
import { History } from "./history.ts";
import { type Hole, Holes } from "./holes.ts";
import { MAX_TRACK_HOLES } from "./tuning.ts";

/** Initialisation data, as the stream had it at `sequence`; -1: from before all that the room knows. */
export interface Init {
  readonly sequence: number;
  /** A part of `message`. */
  readonly payload: Uint8Array;
  /** As a message of type 2. */
  readonly message: Uint8Array;
}

/** The state of a track. Sequences are dense; `next` is null while the room does not know (after sleep). */
export class Track {
  readonly name: string;
  /** The number of the track in frame headers. */
  readonly number: number;
  #epoch: string;
  #next: number | null;
  /** The first sequence of the epoch, where the room saw it begin. */
  #begin: number | null = null;
  #mayReach = 0;
  /** In order: for each group in history the one that applies to it, and the newest. */
  #inits: Init[] = [];
  #history: History;
  readonly #blockBytes: number;
  #groupStart: number | undefined;
  /** As far as history reaches. */
  #holes = new Holes();

  /** `blockBytes`: the most that history puts into one message. */
  constructor(name: string, number: number, epoch: string, blockBytes: number) {
    this.name = name;
    this.number = number;
    this.#epoch = epoch;
    this.#next = null;
    this.#blockBytes = blockBytes;
    this.#history = new History(blockBytes);
  }

  get epoch(): string {
    return this.#epoch;
  }

  get next(): number | null {
    return this.#next;
  }

  get hasInit(): boolean {
    return this.#inits.length > 0;
  }

  /** The init that applies to a newcomer who starts at `sequence`. */
  initAt(sequence: number): Init | undefined {
    return this.#inits.findLast((init) => init.sequence < sequence);
  }

  get history(): History {
    return this.#history;
  }

  /** Memory that it takes: history, joined payloads, inits. */
  get bytes(): number {
    const inits = this.#inits.reduce((sum, { message }) => sum + message.byteLength, 0);
    return this.#history.bytes + this.#history.cacheBytes + inits;
  }

  /** Returns true if it has no frame that came at `time` or later. */
  isOlderThan(time: number): boolean {
    return (this.#history.newestAt ?? Number.NEGATIVE_INFINITY) < time;
  }

  /** The epoch's first sequence, while no frame has come; else null. */
  get beginsAt(): number | null {
    return this.#next === this.#begin ? this.#begin : null;
  }

  /** Sequences below it may have reached a room that lost its memory since. */
  get mayReach(): number {
    return this.#mayReach;
  }

  /** Where the epoch ends, if it ends now; null: a room that lost its memory may have had more of it. */
  get end(): number | null {
    return this.#next !== null && this.#next >= this.#mayReach ? this.#next : null;
  }

  /** A new numbering: what was is over. Its first frame starts a group. */
  begin(epoch: string, sequence: number): void {
    this.#epoch = epoch;
    this.#next = sequence;
    this.#begin = sequence;
    this.#mayReach = sequence;
    this.#history = new History(this.#blockBytes, sequence);
    this.#groupStart = undefined;
    this.#holes = new Holes();
    this.#inits = [];
  }

  /** Goes on in a numbering that the room has no memory of: of `unacknowledged` frames from `sequence` on it may have had any. */
  adopt(sequence: number, unacknowledged: number): void {
    this.#next = sequence;
    this.#mayReach = sequence + unacknowledged;
  }

  /** After sleep: what its publisher had it expect. */
  restore(mayReach: number): void {
    this.#mayReach = mayReach;
  }

  /** After sleep the first frame tells where the track stands. */
  wake(sequence: number): void {
    this.#next ??= sequence;
  }

  /** Adds frames `next`... ; the caller has checked that they follow. */
  append(bytes: Uint8Array, frames: readonly FrameView[], now: number): void {
    for (const frame of frames) {
      if ((frame.flags & Flag.key) !== 0 || frame.sequence === this.#begin) this.#groupStart = frame.sequence;
      if ((frame.flags & Flag.init) !== 0) this.#addInit(frame.sequence, bytes.subarray(frame.start, frame.end));
    }
    this.#history.append(bytes, frames, now);
    this.#next = (frames.at(-1)?.sequence ?? 0) + 1;
  }

  /**
   * `from` to `to` will not come; the caller has checked that they follow. Where there are too many holes, what lies before
   * the oldest that is kept leaves history: whoever needed it is told that instead.
   */
  skip(from: number, to: number, reason: GapReason): void {
    const { first } = this.#history;
    if (first !== undefined) this.#holes.dropBelow(first);
    this.#holes.add({ from, to, reason });
    this.#next = to + 1;
    if (this.#holes.count <= MAX_TRACK_HOLES) return;
    const forgotten = this.#holes.dropOldest()?.to ?? 0;
    while ((this.#history.first ?? from) <= forgotten && this.#history.dropOldest(from)) {}
  }

  /** The hole that `sequence` is in. */
  holeAt(sequence: number): Hole | undefined {
    return this.#holes.at(sequence);
  }

  /** The publisher sent its init again: it counts where the room has none. */
  setInit(payload: Uint8Array): void {
    if (!this.hasInit) this.#addInit(-1, payload);
  }

  /** Keeps a copy. The one before stays only where a group may start with it. */
  #addInit(sequence: number, view: Uint8Array): void {
    const header = { type: FrameType.init, flags: Flag.init, track: this.number, timestamp: 0 };
    const message = encodeMessage([{ ...header, sequence: Math.max(sequence, 0), payload: view }]);
    const applies = this.initAt(this.#history.first ?? 0);
    const groupStart = this.#groupStart ?? 0;
    const kept = this.#inits.filter((init) => init.sequence < groupStart && init.sequence >= (applies?.sequence ?? 0));
    this.#inits = [...kept, { sequence, payload: message.subarray(HEADER_BYTES), message }];
  }
}
