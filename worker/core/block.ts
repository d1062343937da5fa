// A run of consecutive frames of one track as one message, shared by all subscribers that get it.
import { Flag, frameBytes, HEADER_BYTES } from "../../protocol/frame.ts";

/**
 * Frames `first` to `next` - 1. Immutable; the bytes are a view of history's. Headers are read from the bytes, so a
 * frame has no further cost.
 */
export class Block {
  readonly bytes: Uint8Array;
  readonly first: number;
  readonly frameCount: number;
  /** When the room received the oldest frame of the block's second, ms since 1970. */
  readonly receivedAt: number;

  constructor(bytes: Uint8Array, first: number, frameCount: number, receivedAt: number) {
    this.bytes = bytes;
    this.first = first;
    this.frameCount = frameCount;
    this.receivedAt = receivedAt;
  }

  get next(): number {
    return this.first + this.frameCount;
  }

  /** Only the payloads, one after the other: a view if there is one frame, otherwise a copy. */
  payload(): Uint8Array {
    if (this.frameCount === 1) return this.bytes.subarray(HEADER_BYTES);
    const whole = new Uint8Array(this.bytes.byteLength - this.frameCount * HEADER_BYTES);
    let written = 0;
    for (let offset = 0; offset < this.bytes.byteLength; ) {
      const end = offset + frameBytes(this.bytes, offset);
      whole.set(this.bytes.subarray(offset + HEADER_BYTES, end), written);
      written += end - offset - HEADER_BYTES;
      offset = end;
    }
    return whole;
  }

  /** Returns true if it contains no data: every frame only marks the end of the epoch (F9). */
  get isEndMark(): boolean {
    if (this.bytes.byteLength > this.frameCount * HEADER_BYTES) return false;
    for (let offset = 0; offset < this.bytes.byteLength; offset += HEADER_BYTES) {
      if (((this.bytes[offset + 1] ?? 0) & Flag.end) === 0) return false;
    }
    return true;
  }
}
