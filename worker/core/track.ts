// One named flow of frames: its numbering, its history, its init, and who publishes into it.
import { encodeMessage, Flag, FrameType, type FrameView } from "../../protocol/frame.ts";
import { Batch } from "./batch.ts";
import { History } from "./history.ts";

/** Initialisation data: what it is, and from which frame on it applies. */
export interface Init {
  readonly sequence: number;
  readonly payload: Uint8Array;
  /** As a message of type 2. */
  readonly message: Uint8Array;
}

/** Sequences `from` to `to` (inclusive) that never reached the room. */
export interface Hole {
  readonly from: number;
  readonly to: number;
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
  #init: Init | undefined;
  #history = new History();
  /** Ranges that its publisher dropped, as far as history reaches. */
  #holes: Hole[] = [];

  constructor(name: string, number: number, epoch: string) {
    this.name = name;
    this.number = number;
    this.#epoch = epoch;
    this.#next = null;
  }

  get epoch(): string {
    return this.#epoch;
  }

  get next(): number | null {
    return this.#next;
  }

  get init(): Init | undefined {
    return this.#init;
  }

  get history(): History {
    return this.#history;
  }

  /** A new numbering: what was is over. `begins`: the epoch itself begins here, so that its first frame starts a group. */
  begin(epoch: string, sequence: number, begins: boolean): void {
    this.#epoch = epoch;
    this.#next = sequence;
    this.#begin = begins ? sequence : null;
    this.#history = new History();
    this.#holes = [];
    this.#init = undefined;
  }

  /** After sleep the first frame tells where the track stands. */
  wake(sequence: number): void {
    this.#next ??= sequence;
  }

  /** Adds frames `next`... ; the caller has checked that they follow. */
  append(bytes: Uint8Array, frames: readonly FrameView[], now: number): void {
    const batch = new Batch(bytes, frames, now, this.#history.end);
    this.#history.append(batch, batch.first === this.#begin);
    this.#next = batch.next;
    for (const frame of frames) {
      if ((frame.flags & Flag.init) !== 0) this.setInit(frame.sequence, bytes.subarray(frame.start, frame.end));
    }
  }

  /** The publisher dropped `from` to `to`; the caller has checked that they follow. */
  skip(from: number, to: number): void {
    const first = this.#history.first ?? from;
    this.#holes = [...this.#holes.filter((hole) => hole.to >= first), { from, to }];
    this.#next = to + 1;
  }

  /** The hole that `sequence` is in. */
  holeAt(sequence: number): Hole | undefined {
    return this.#holes.find((hole) => hole.from <= sequence && sequence <= hole.to);
  }

  /** Replaces the init, if it says something new. The bytes are copied. */
  setInit(sequence: number, payload: Uint8Array): void {
    if (this.#init !== undefined && sameBytes(this.#init.payload, payload)) return;
    const copy = payload.slice();
    const frame = { type: FrameType.init, flags: Flag.init, track: this.number, sequence, timestamp: 0, payload: copy };
    this.#init = { sequence, payload: copy, message: encodeMessage([frame]) };
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.byteLength === b.byteLength && a.every((byte, index) => byte === b[index]);
}
