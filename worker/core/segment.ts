// A piece of history: at most about a second of a track, in one buffer. Frames are appended, and never moved or
// changed.
import { Flag, type FrameView, frameBytes, HEADER_BYTES } from "../../protocol/frame.ts";
import { Block } from "./block.ts";

/**
 * Memory of a segment in addition to its buffer: the objects of the buffer, its view and the segment, and its place in
 * history (measured).
 */
export const SEGMENT_OVERHEAD_BYTES = 512;

/** A segment records the start of every 32nd frame; in between, it reads headers. */
const INDEX_FRAMES = 32;
const INDEX_ENTRY_BYTES = 8;

/** Frames `first` to `next` - 1. Its views stay unchanged: it only writes behind them. */
export class Segment {
  readonly first: number;
  /** Bytes of the epoch before it. */
  readonly offset: number;
  /** When its first and its last frame arrived, ms since 1970. */
  readonly receivedAt: number;
  #lastAt: number;
  #buffer: Uint8Array;
  #used = 0;
  #frameCount = 0;
  /** The starts of every INDEX_FRAMES-th frame; most segments of slow streams have none. */
  #index: number[] | undefined;
  #firstGroup: number | undefined;
  #lastGroup: number | undefined;

  /** `buffer`: the memory that it writes to until it grows; for `adopt`, its contents. */
  constructor(buffer: Uint8Array, first: number, offset: number, now: number) {
    this.#buffer = buffer;
    this.first = first;
    this.offset = offset;
    this.receivedAt = now;
    this.#lastAt = now;
  }

  get next(): number {
    return this.first + this.#frameCount;
  }

  get lastAt(): number {
    return this.#lastAt;
  }

  get usedBytes(): number {
    return this.#used;
  }

  /** Memory that it takes. */
  get cost(): number {
    return this.#buffer.byteLength + (this.#index?.length ?? 0) * INDEX_ENTRY_BYTES + SEGMENT_OVERHEAD_BYTES;
  }

  /** The newest group start in it. */
  get lastGroup(): number | undefined {
    return this.#lastGroup;
  }

  /** The oldest group start in it. */
  get firstGroup(): number | undefined {
    return this.#firstGroup;
  }

  /**
   * Copies `bytes` behind its contents; its buffer grows, doubling, up to `maxBytes`. `begin`: the start of the epoch's
   * first group.
   */
  append(bytes: Uint8Array, frames: readonly FrameView[], now: number, begin: number | null, maxBytes: number): void {
    const needed = this.#used + bytes.byteLength;
    if (needed > this.#buffer.byteLength) {
      const grown = new Uint8Array(Math.max(needed, Math.min(this.#buffer.byteLength * 2, maxBytes)));
      grown.set(this.#buffer.subarray(0, this.#used));
      this.#buffer = grown;
    }
    this.#buffer.set(bytes, this.#used);
    this.#note(bytes, frames, now, begin);
  }

  /** Its buffer already contains `frames`. */
  adopt(frames: readonly FrameView[], now: number, begin: number | null): void {
    this.#note(this.#buffer, frames, now, begin);
  }

  /** No more frames follow: releases unused memory. */
  seal(): void {
    if (this.#used < this.#buffer.byteLength * 0.875) this.#buffer = this.#buffer.slice(0, this.#used);
    this.#index = this.#index?.slice();
  }

  /** Frames from `sequence` on, which it contains: at most `maxBytes`, but at least one frame. A view. */
  read(sequence: number, maxBytes: number): Block {
    const start = this.startOf(sequence);
    const whole = this.#used - start <= maxBytes;
    const { end, next } = whole ? { end: this.#used, next: this.next } : this.#cut(sequence, start, start + maxBytes);
    return new Block(this.#buffer.subarray(start, end), sequence, next - sequence, this.receivedAt);
  }

  /** The start of `sequence`, which it contains. */
  startOf(sequence: number): number {
    const frame = sequence - this.first;
    const entry = Math.floor(frame / INDEX_FRAMES);
    let start = this.#at(entry);
    for (let walked = entry * INDEX_FRAMES; walked < frame; walked++) start += frameBytes(this.#buffer, start);
    return start;
  }

  /** The last frame from `sequence` at `start` on that ends at or before `limit`; always at least the first one. */
  #cut(sequence: number, start: number, limit: number): { end: number; next: number } {
    let low = Math.floor((sequence - this.first) / INDEX_FRAMES);
    let high = this.#index?.length ?? 0;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.#at(middle) <= limit) low = middle;
      else high = middle - 1;
    }
    const jump = this.first + low * INDEX_FRAMES;
    let next = jump > sequence ? jump : sequence + 1;
    let end = jump > sequence ? this.#at(low) : start + frameBytes(this.#buffer, start);
    while (next < this.next && end + frameBytes(this.#buffer, end) <= limit) {
      end += frameBytes(this.#buffer, end);
      next++;
    }
    return { end, next };
  }

  #at(entry: number): number {
    return entry === 0 ? 0 : (this.#index?.[entry - 1] ?? 0);
  }

  #note(bytes: Uint8Array, frames: readonly FrameView[], now: number, begin: number | null): void {
    for (const frame of frames) {
      if ((frame.flags & Flag.key) !== 0 || frame.sequence === begin) {
        this.#firstGroup ??= frame.sequence;
        this.#lastGroup = frame.sequence;
      }
      if (this.#frameCount > 0 && this.#frameCount % INDEX_FRAMES === 0) {
        const start = this.#used + frame.start - HEADER_BYTES;
        if (this.#index === undefined) this.#index = [start];
        else this.#index.push(start);
      }
      this.#frameCount++;
    }
    this.#used += bytes.byteLength;
    this.#lastAt = Math.max(this.#lastAt, now);
  }
}
