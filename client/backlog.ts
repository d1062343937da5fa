// What a publisher has written and that has no number yet, in order, and how whole groups are dropped from it. Pure.
import { Flag } from "../protocol/frame.ts";
import type { SplitFrame } from "../protocol/splitter.ts";
import { Deque } from "./deque.ts";

/** A frame with the time at which it was written. */
export interface Written extends SplitFrame {
  readonly is: "frame";
  readonly timestamp: number;
}

/** What is to be numbered next: a frame, or the place of frames that were dropped. */
export type Waiting = Written | { readonly is: "gap"; readonly frames: number };

/** Groups, frames and payload bytes. */
export interface Dropped {
  readonly droppedGroups: number;
  readonly droppedFrames: number;
  readonly droppedBytes: number;
}

/** Frames that were dropped in a row. Of their inits the last one stays: what comes behind the gap needs it. */
interface Gap {
  frames: number;
  init: Written | undefined;
}

/** What a frame takes besides its payload, if it was read alone: about 200 where frames share what they were read in. */
export const FRAME_MEMORY_BYTES = 512;

/** What a group ends before. */
const ENDS = Flag.key | Flag.end;

/** A queue of frames with at most one gap in it. Its bytes are those of memory. */
export class Backlog {
  /** The rest of a group that has been begun, in front of the gap. */
  readonly #rest = new Deque<Written>();
  #gap: Gap | undefined;
  /** Behind the gap. Where there is one, it begins with a group. */
  readonly #written = new Deque<Written>();
  #bytes = 0;
  /** The newest group was dropped: so is what is still to come of it. */
  #isDropping = false;
  readonly #dropped = { droppedGroups: 0, droppedFrames: 0, droppedBytes: 0 };

  get bytes(): number {
    return this.#bytes;
  }

  get dropped(): Dropped {
    return { ...this.#dropped };
  }

  /** Adds a frame. The payload must not be changed until it was taken. */
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

  /** What is to be numbered next; undefined: nothing waits. */
  peek(): Waiting | undefined {
    const rest = this.#rest.at(0);
    if (rest !== undefined) return rest;
    if (this.#gap !== undefined && this.#gap.frames > 0) return { is: "gap", frames: this.#gap.frames };
    return this.#gap?.init ?? this.#written.at(0);
  }

  /** Takes away what `peek` gives. */
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

  /** Drops the oldest group of which nothing was taken; false: there is none. */
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

  /** Puts what is in front of the first group where it cannot be dropped. */
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

/** Bytes that a frame takes in memory, about. */
function memoryOf(frame: SplitFrame): number {
  return FRAME_MEMORY_BYTES + frame.payload.byteLength;
}
