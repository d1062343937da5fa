// The frames that a publisher has written and that have no number yet, in order. Whole groups can be dropped from it.
// Pure.
import { Flag } from "../protocol/frame.ts";
import type { SplitFrame } from "../protocol/splitter.ts";
import { Deque } from "./deque.ts";

/** A frame with the time at which it was written. */
export interface Written extends SplitFrame {
  readonly is: "frame";
  readonly timestamp: number;
}

/** The next thing to number: a frame, or the gap of dropped frames. */
export type Waiting = Written | { readonly is: "gap"; readonly frames: number };

/** Groups, frames and payload bytes. */
export interface Dropped {
  readonly droppedGroups: number;
  readonly droppedFrames: number;
  readonly droppedBytes: number;
}

/** Frames that were dropped in a row. It keeps the last of their inits, because the frames behind the gap need it. */
interface Gap {
  frames: number;
  init: Written | undefined;
}

/**
 * Memory of a frame in addition to its payload, if it was read alone. Frames that share what they were read in take
 * about 200.
 */
export const FRAME_MEMORY_BYTES = 512;

/** A group ends before a frame with one of these flags. */
const ENDS = Flag.key | Flag.end;

/** A queue of frames with at most one gap in it. It counts bytes of memory. */
export class Backlog {
  /** In front of the gap: the rest of a group that was already begun. */
  readonly #rest = new Deque<Written>();
  #gap: Gap | undefined;
  /** Behind the gap. If there is a gap, this begins with a group. */
  readonly #written = new Deque<Written>();
  #bytes = 0;
  /** The newest group was dropped, so the rest of it will be dropped, too. */
  #isDropping = false;
  readonly #dropped = { droppedGroups: 0, droppedFrames: 0, droppedBytes: 0 };

  get bytes(): number {
    return this.#bytes;
  }

  get dropped(): Dropped {
    return { ...this.#dropped };
  }

  /** Adds a frame. The payload must not change until it was taken. */
  write({ payload, flags }: SplitFrame, timestamp: number): void {
    const frame: Written = { is: "frame", payload, flags, timestamp };
    this.#isDropping &&= (flags & ENDS) === 0;
    if (this.#isDropping) {
      this.#skip(frame);
    } else {
      this.#bytes += memoryOf(frame);
      this.#written.push(frame);
    }
  }

  /** The next thing to number; undefined if nothing waits. */
  peek(): Waiting | undefined {
    const rest = this.#rest.at(0);
    if (rest !== undefined) return rest;
    if (this.#gap !== undefined && this.#gap.frames > 0) return { is: "gap", frames: this.#gap.frames };
    return this.#gap?.init ?? this.#written.at(0);
  }

  /** Removes the item that `peek` returns. */
  shift(): void {
    let frame = this.#rest.shift();
    if (frame === undefined && this.#gap !== undefined) {
      const { frames, init } = this.#gap;
      this.#gap = undefined;
      this.#bytes -= FRAME_MEMORY_BYTES;
      if (init !== undefined) this.#rest.push(init);
      if (frames > 0) return;
      frame = this.#rest.shift();
    }
    frame ??= this.#written.shift();
    if (frame !== undefined) this.#bytes -= memoryOf(frame);
  }

  /** Drops the oldest group of which nothing was taken. Returns false if there is none. */
  drop(): boolean {
    if (this.#gap === undefined) this.#setApart();
    if (this.#written.length === 0) return false;
    let next: Written | undefined;
    do {
      this.#skipNext();
      next = this.#written.at(0);
    } while (next !== undefined && (next.flags & ENDS) === 0);
    this.#dropped.droppedGroups++;
    this.#isDropping = next === undefined;
    return true;
  }

  /** Moves the frames before the first group aside if they cannot be dropped. */
  #setApart(): void {
    for (let head = this.#written.at(0); head && (head.flags & Flag.key) === 0; head = this.#written.at(0)) {
      this.#rest.push(head);
      this.#written.shift();
    }
  }

  #skipNext(): void {
    const frame = this.#written.shift();
    if (frame === undefined) return;
    this.#bytes -= memoryOf(frame);
    this.#skip(frame);
  }

  #skip(frame: Written): void {
    if (this.#gap === undefined) {
      this.#gap = { frames: 0, init: undefined };
      this.#bytes += FRAME_MEMORY_BYTES;
    }
    const isInit = (frame.flags & Flag.init) !== 0;
    const lost = isInit ? this.#gap.init : frame;
    if (isInit) {
      this.#bytes += memoryOf(frame) - (lost === undefined ? 0 : memoryOf(lost));
      this.#gap.init = frame;
    }
    if (lost === undefined) return;
    this.#gap.frames++;
    this.#dropped.droppedFrames++;
    this.#dropped.droppedBytes += lost.payload.byteLength;
  }
}

/** Approximate bytes of memory that a frame takes. */
function memoryOf(frame: SplitFrame): number {
  return FRAME_MEMORY_BYTES + frame.payload.byteLength;
}
