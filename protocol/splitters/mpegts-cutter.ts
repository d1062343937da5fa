// The frame that is being filled: a range of contiguous bytes, and what is cut off from its front.
import type { SplitFrame } from "../splitter.ts";
import { addPieces, concat } from "./bytes.ts";

const NOTHING = new Uint8Array(0);

/** Cuts the bytes of one chunk, with what was held back before it, into frames. Positions count from `bytes`' start. */
export class Cutter {
  readonly #maxFrameBytes: number;
  #frames: SplitFrame[] = [];
  /** What is held back and the chunk. */
  bytes: Uint8Array = NOTHING;
  /** Where the frame that is being filled begins. */
  start = 0;
  /** The flags that this frame will have. */
  flags = 0;

  constructor(maxFrameBytes: number) {
    this.#maxFrameBytes = maxFrameBytes;
  }

  /** Puts the chunk behind what is held back. This copies the chunk if anything is held back: one frame holds both. */
  load(chunk: Uint8Array): void {
    this.bytes = concat(this.bytes, chunk);
  }

  /** Ends the frame at `end`, if it holds anything; the next one begins there, without flags. */
  cut(end: number): void {
    if (end === this.start) return;
    addPieces(this.#frames, this.bytes.subarray(this.start, end), this.#maxFrameBytes, this.flags);
    this.start = end;
    this.flags = 0;
  }

  /** Gives the frames away and holds back what is behind the last cut: positions move to the front by `start`. */
  release(): SplitFrame[] {
    const frames = this.#frames;
    this.#frames = [];
    this.bytes = this.bytes.subarray(this.start);
    this.start = 0;
    return frames;
  }
}
