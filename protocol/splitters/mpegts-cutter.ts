// The frame that is being filled: a range of contiguous bytes. Frames are cut off from its front.
import type { SplitFrame } from "../splitter.ts";
import { addPieces, concat } from "./bytes.ts";

const NOTHING = new Uint8Array(0);

/**
 * Cuts the bytes of one chunk, together with held-back bytes, into frames. Positions count from the start of `bytes`.
 */
export class Cutter {
  readonly #maxFrameBytes: number;
  #frames: SplitFrame[] = [];
  /** The held-back bytes and the chunk. */
  bytes: Uint8Array = NOTHING;
  /** The position at which the current frame begins. */
  start = 0;
  /** The flags of the current frame. */
  flags = 0;

  constructor(maxFrameBytes: number) {
    this.#maxFrameBytes = maxFrameBytes;
  }

  /**
   * Appends the chunk to the held-back bytes. This copies the chunk if any bytes are held back, because one frame
   * contains both.
   */
  load(chunk: Uint8Array): void {
    this.bytes = concat(this.bytes, chunk);
  }

  /** Ends the frame at `end` if it is not empty. The next frame begins there, without flags. */
  cut(end: number): void {
    if (end === this.start) return;
    addPieces(this.#frames, this.bytes.subarray(this.start, end), this.#maxFrameBytes, this.flags);
    this.start = end;
    this.flags = 0;
  }

  /** Returns the frames and holds back the bytes behind the last cut. Positions move to the front by `start`. */
  release(): SplitFrame[] {
    const frames = this.#frames;
    this.#frames = [];
    this.bytes = this.bytes.subarray(this.start);
    this.start = 0;
    return frames;
  }
}
