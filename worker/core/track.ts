// One named track: its numbering, its history, its init, and its publisher.
import type { GapReason } from "../../protocol/control.ts";
import { encodeMessage, Flag, FrameType, type FrameView, HEADER_BYTES } from "../../protocol/frame.ts";
import { MAX_TRACKS } from "../../protocol/limits.ts";
import { History } from "./history.ts";
import { type Hole, Holes } from "./holes.ts";
import { MAX_TRACK_HOLES } from "./tuning.ts";

/** Initialisation data of the stream at `sequence`; -1: from before everything that the room knows. */
export interface Init {
  readonly sequence: number;
  /** A part of `message`. */
  readonly payload: Uint8Array;
  /** As a message of type 2. */
  readonly message: Uint8Array;
}

/**
 * Epochs that a track remembers. A subscriber that was away for longer waits a moment until it learns that its epoch is
 * over.
 */
const MAX_FORMER_EPOCHS = 8;

/** The state of a track. Sequences are consecutive; `next` is null while the room does not know it (after sleep). */
export class Track {
  readonly name: string;
  /** The format that its publisher declares; null: unknown. */
  format: string | null = null;
  /** True if another object of the room determines its contents. */
  readonly isCopy: boolean;
  /**
   * A relay is getting the past of a track that is new to it. Newcomers wait until it is complete, to start at its
   * newest group.
   */
  isFilling = false;
  /** At a relay: true if the parent ended the epoch, and nothing has arrived since. */
  isBetweenEpochs = false;
  #number: number;
  #epoch: string;
  #next: number | null;
  /** The first sequence of the epoch, if the room saw it begin. */
  #begin: number | null = null;
  /** The previous epochs. */
  #former: readonly string[] = [];
  #mayReach = 0;
  /** In order: for each group in history the init that applies to it, and the newest one. */
  #inits: Init[] = [];
  #history: History;
  readonly #blockBytes: number;
  #groupStart: number | undefined;
  #hasEnded = false;
  /** The holes within history. */
  #holes = new Holes();

  /** `blockBytes`: the maximum size of a message from history. */
  constructor(name: string, number: number, epoch: string, blockBytes: number, isCopy = false) {
    this.name = name;
    this.isCopy = isCopy;
    this.#number = number;
    this.#epoch = epoch;
    this.#next = null;
    this.#blockBytes = blockBytes;
    this.#history = new History(blockBytes);
  }

  /** The number of the track in frame headers. */
  get number(): number {
    return this.#number;
  }

  /** At a relay: true if the parent still uses this number for its frames. Otherwise, none of them can be sent. */
  get isNumbered(): boolean {
    return this.#number < MAX_TRACKS;
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

  /** The init that applies to a newcomer that starts at `sequence`. */
  initAt(sequence: number): Init | undefined {
    return this.#inits.findLast((init) => init.sequence < sequence);
  }

  get history(): History {
    return this.#history;
  }

  /** The memory that it takes: history, joined payloads, inits. */
  get bytes(): number {
    const inits = this.#inits.reduce((sum, { message }) => sum + message.byteLength, 0);
    return this.#history.bytes + this.#history.cacheBytes + inits;
  }

  /** Returns true if it has no frame that arrived at `time` or later. */
  isOlderThan(time: number): boolean {
    return (this.#history.newestAt ?? Number.NEGATIVE_INFINITY) < time;
  }

  /** The epoch's first sequence, while no frame has come; otherwise null. */
  get beginsAt(): number | null {
    return this.#next === this.#begin ? this.#begin : null;
  }

  /** True if its newest frame marked the end of the epoch (F9). */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** True if `epoch`, which is not the current epoch, may be one that a copy has not learned of yet. */
  mayFollow(epoch: string): boolean {
    return this.isCopy && !this.#former.includes(epoch);
  }

  /** Sequences below it may have reached a room that has lost its memory since. */
  get mayReach(): number {
    return this.#mayReach;
  }

  /** The end of the epoch, if it ends now; null: a room that lost its memory may have had more of it. */
  get end(): number | null {
    return this.#next !== null && this.#next >= this.#mayReach ? this.#next : null;
  }

  /** Begins a new numbering; the old one is over. Its first frame starts a group. */
  begin(epoch: string, sequence: number): void {
    if (epoch !== this.#epoch) this.#former = [...this.#former.slice(1 - MAX_FORMER_EPOCHS), this.#epoch];
    this.#epoch = epoch;
    this.#next = sequence;
    this.#begin = sequence;
    this.#mayReach = sequence;
    this.#history = new History(this.#blockBytes, sequence);
    this.#groupStart = undefined;
    this.#hasEnded = false;
    this.#holes = new Holes();
    this.#inits = [];
  }

  /**
   * Continues a numbering that the room has no memory of: it may have had any of the `unacknowledged` frames from
   * `sequence` on.
   */
  adopt(sequence: number, unacknowledged: number): void {
    this.#next = sequence;
    this.#mayReach = sequence + unacknowledged;
  }

  /** Continues at `sequence` a numbering that another object began; 0 is its first sequence (P1). */
  follow(epoch: string, sequence: number): void {
    this.begin(epoch, sequence);
    if (sequence === 0) return;
    this.#begin = null;
    this.#history = new History(this.#blockBytes);
  }

  /** Its frames have another number from now on. The existing frames and inits have the old number. */
  renumber(number: number): void {
    const begin = this.beginsAt;
    this.#number = number;
    this.#history = new History(this.#blockBytes, begin);
    if (begin === null) this.#begin = null;
    this.#groupStart = undefined;
    this.#holes = new Holes();
    this.#inits = [];
  }

  /** The parent ended the epoch, and does not know where. */
  loseEnd(): void {
    this.#mayReach = Number.POSITIVE_INFINITY;
    this.isBetweenEpochs = true;
  }

  /** After sleep: restores what its publisher announced. */
  restore(mayReach: number): void {
    this.#mayReach = mayReach;
  }

  /** After sleep, the first frame gives the track's position. */
  wake(sequence: number): void {
    this.#next ??= sequence;
  }

  /** Adds frames from `next` on. The caller has checked that they follow. */
  append(bytes: Uint8Array, frames: readonly FrameView[], now: number): void {
    for (const frame of frames) {
      if ((frame.flags & Flag.key) !== 0 || frame.sequence === this.#begin) this.#groupStart = frame.sequence;
      if ((frame.flags & Flag.init) !== 0) this.#addInit(frame.sequence, bytes.subarray(frame.start, frame.end));
    }
    this.#history.append(bytes, frames, now);
    const newest = frames.at(-1);
    this.#hasEnded = ((newest?.flags ?? 0) & Flag.end) !== 0;
    this.#next = (newest?.sequence ?? 0) + 1;
  }

  /**
   * `from` to `to` will not come; the caller has checked that they follow. If there are too many holes, everything
   * before the oldest kept one leaves history, and subscribers that need it get a gap with that reason.
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

  /** The hole that contains `sequence`. */
  holeAt(sequence: number): Hole | undefined {
    return this.#holes.at(sequence);
  }

  /** The publisher sent its init again: it is used if the room has none. */
  setInit(payload: Uint8Array): void {
    if (!this.hasInit) this.#addInit(-1, payload);
  }

  /** The init that applies from `sequence` on, if it is newer than the track's. */
  learnInit(sequence: number, payload: Uint8Array): void {
    const from = Math.min(sequence, (this.#next ?? sequence + 1) - 1);
    const newest = this.#inits.at(-1)?.sequence ?? Number.NEGATIVE_INFINITY;
    if (from > newest) this.#addInit(from, payload);
  }

  /** Keeps a copy. The previous init stays only if a group may start with it. */
  #addInit(sequence: number, view: Uint8Array): void {
    const header = { type: FrameType.init, flags: Flag.init, track: this.number, timestamp: 0 };
    const message = encodeMessage([{ ...header, sequence: Math.max(sequence, 0), payload: view }]);
    const applies = this.initAt(this.#history.first ?? 0);
    const groupStart = this.#groupStart ?? 0;
    const kept = this.#inits.filter((init) => init.sequence < groupStart && init.sequence >= (applies?.sequence ?? 0));
    this.#inits = [...kept, { sequence, payload: message.subarray(HEADER_BYTES), message }];
  }
}
