// The limited past of one track, which serves joins, resumes and lagging subscribers.
import type { FrameView } from "../../protocol/frame.ts";
import type { Block } from "./block.ts";
import { PayloadCache } from "./payload-cache.ts";
import { Segment } from "./segment.ts";
import { COPY_BELOW_BYTES, SEGMENT_MS } from "./tuning.ts";

/** Consecutive frames of one epoch, except for its holes, in segments. It always contains the newest frame. */
export class History {
  readonly #blockBytes: number;
  readonly #begin: number | null;
  #segments: Segment[] = [];
  /** Index of the oldest segment: dropping it moves nothing. */
  #head = 0;
  /** The newest segment, while small messages may still be added to it. */
  #open: Segment | undefined;
  /** The size of the previous segment: the next one will probably be similar. */
  #expectedBytes = 0;
  #bytes = 0;
  readonly #payloads = new PayloadCache();
  /** The last block that was read: subscribers in step ask for the same block, one after the other. */
  #lastRead: { readonly block: Block; readonly maxBytes: number } | undefined;
  /** The newest frame at which a newcomer can start; it may have left history since. */
  #groupStart: number | undefined;

  /**
   * Small messages share segments of at most `blockBytes`, and of about a second. `begin`: the epoch's first sequence,
   * which starts a group; null: the room did not see it begin.
   */
  constructor(blockBytes: number, begin: number | null = null) {
    this.#blockBytes = blockBytes;
    this.#begin = begin;
  }

  /** Memory that it takes, without `cacheBytes`. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Memory of the payloads that are kept for plain subscribers. */
  get cacheBytes(): number {
    return this.#payloads.bytes;
  }

  /** Bytes of the epoch so far. */
  get end(): number {
    const newest = this.#segments.at(-1);
    return newest === undefined ? 0 : newest.offset + newest.usedBytes;
  }

  /** The oldest sequence in it. */
  get first(): number | undefined {
    return this.#segments[this.#head]?.first;
  }

  /** The time at which its newest frame arrived, ms since 1970. */
  get newestAt(): number | undefined {
    return this.#segments.at(-1)?.lastAt;
  }

  /** The start of the newest group, if the whole group is here. */
  get groupStart(): number | undefined {
    const { first } = this;
    return first !== undefined && this.#groupStart !== undefined && this.#groupStart >= first
      ? this.#groupStart
      : undefined;
  }

  /**
   * Adds the frames of a message that follows the last frame or a hole. A large message is kept without a copy; a small
   * one is copied.
   */
  append(bytes: Uint8Array, frames: readonly FrameView[], now: number): void {
    const first = frames[0]?.sequence;
    if (first === undefined) throw new TypeError("a message must have frames");
    this.#lastRead = undefined;
    // A view of something larger would keep all of it in memory.
    const isWhole = bytes.byteLength === bytes.buffer.byteLength;
    if (bytes.byteLength >= COPY_BELOW_BYTES) this.#adopt(isWhole ? bytes : bytes.slice(), frames, first, now);
    else this.#copy(bytes, frames, first, now);
    this.#groupStart = this.#segments.at(-1)?.lastGroup ?? this.#groupStart;
  }

  /**
   * The longest run from `sequence` on that fits in one message of at most `maxBytes`, but at least one frame.
   * undefined: `sequence` is not in history.
   */
  read(sequence: number, maxBytes = this.#blockBytes): Block | undefined {
    const last = this.#lastRead;
    if (last?.block.first === sequence && last.maxBytes === maxBytes) return last.block;
    const block = this.#segments[this.#find(sequence)]?.read(sequence, maxBytes);
    if (block !== undefined) this.#lastRead = { block, maxBytes };
    return block;
  }

  /** `block.payload()`, computed once for all subscribers that need it at about the same time. */
  payload(block: Block): Uint8Array {
    return this.#payloads.get(block);
  }

  /** Bytes from `sequence` to the newest frame. */
  bytesFrom(sequence: number): number {
    const segment = this.#segments[this.#find(sequence)];
    return segment === undefined ? 0 : this.end - segment.offset - segment.startOf(sequence);
  }

  /** The start of the group that was current at `time` or up to a second before, or else of the oldest group here. */
  groupAt(time: number): number | undefined {
    let oldest: number | undefined;
    for (let index = this.#segments.length - 1; index >= this.#head; index--) {
      const segment = this.#segments[index];
      if (segment?.firstGroup === undefined) continue;
      if (segment.lastAt <= time) return segment.lastGroup;
      if (segment.receivedAt <= time && segment.firstGroup === segment.first) return segment.first;
      oldest = segment.firstGroup;
    }
    return oldest ?? this.groupStart;
  }

  /**
   * Drops frames older than `time`, but no part of the newest group and nothing from `needed` on, to the precision of a
   * segment.
   */
  dropBefore(time: number, needed: number): void {
    for (;;) {
      const oldest = this.#segments[this.#head];
      if (oldest === undefined || oldest.lastAt >= time) return;
      if (this.#groupStart !== undefined && oldest.next > this.#groupStart) return;
      if (!this.dropOldest(needed)) return;
    }
  }

  /** Drops the oldest segment, unless it is the only one or extends beyond `needed`. Returns true if it did. */
  dropOldest(needed: number): boolean {
    const oldest = this.#segments[this.#head];
    if (oldest === undefined || this.#head + 1 === this.#segments.length || oldest.next > needed) return false;
    this.#bytes -= oldest.cost;
    this.#lastRead = undefined;
    delete this.#segments[this.#head++];
    if (this.#head > 1024 && this.#head * 2 > this.#segments.length) {
      this.#segments = this.#segments.slice(this.#head);
      this.#head = 0;
    }
    return true;
  }

  #adopt(bytes: Uint8Array, frames: readonly FrameView[], first: number, now: number): void {
    this.#seal();
    const segment = new Segment(bytes, first, this.end, now);
    segment.adopt(frames, now, this.#begin);
    this.#segments.push(segment);
    this.#bytes += segment.cost;
  }

  #copy(bytes: Uint8Array, frames: readonly FrameView[], first: number, now: number): void {
    if (!this.#fits(bytes.byteLength, first, now)) this.#begun(bytes.byteLength, first, now);
    const segment = this.#open;
    if (segment === undefined) return;
    const before = segment.cost;
    segment.append(bytes, frames, now, this.#begin, this.#blockBytes);
    this.#bytes += segment.cost - before;
  }

  #fits(bytes: number, first: number, now: number): boolean {
    const open = this.#open;
    if (open === undefined || open.next !== first || now - open.receivedAt >= SEGMENT_MS) return false;
    return open.usedBytes + bytes <= this.#blockBytes;
  }

  #begun(bytes: number, first: number, now: number): void {
    this.#seal();
    const capacity = Math.max(bytes, Math.min(this.#expectedBytes, this.#blockBytes));
    this.#open = new Segment(new Uint8Array(capacity), first, this.end, now);
    this.#segments.push(this.#open);
    this.#bytes += this.#open.cost;
  }

  #seal(): void {
    const open = this.#open;
    if (open === undefined) return;
    this.#bytes -= open.cost;
    this.#expectedBytes = open.usedBytes;
    open.seal();
    this.#bytes += open.cost;
    this.#open = undefined;
  }

  #find(sequence: number): number {
    let low = this.#head;
    let high = this.#segments.length - 1;
    const newest = this.#segments[high];
    if (newest === undefined || sequence >= newest.next) return -1;
    if (sequence >= newest.first) return high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#segments[middle]?.next ?? 0) > sequence) high = middle;
      else low = middle + 1;
    }
    return (this.#segments[low]?.first ?? Number.POSITIVE_INFINITY) <= sequence ? low : -1;
  }
}
