// The frames that a publisher has written and the room has not acknowledged: unnumbered frames, then numbered messages.
// Pure.
import { encodeMessage, Flag, FrameType, HEADER_BYTES } from "../protocol/frame.ts";
import { MAX_MESSAGE_FRAMES } from "../protocol/limits.ts";
import type { Position } from "../protocol/position.ts";
import type { SplitFrame } from "../protocol/splitter.ts";
import { Backlog, type Dropped, type Written } from "./backlog.ts";
import { type Batch, bytesOf, endOf, memoryOf, messageOf, shorten, sizeOf } from "./batch.ts";
import { Deque } from "./deque.ts";
import { scratch } from "./scratch.ts";

const MESSAGE_BYTES = 64 * 1024;
/** If more than one message waits, messages are fewer and larger. */
const BACKLOG_MESSAGE_BYTES = 256 * 1024;

interface Init {
  sequence: number;
  readonly timestamp: number;
  payload: Uint8Array;
}

/**
 * Numbers frames, cuts them into messages by the room's window, keeps them until they are acknowledged, and renumbers
 * them.
 */
export class Outbox {
  readonly #backlog = new Backlog();
  readonly #batches = new Deque<Batch>();
  /** Bytes of memory. */
  #batchBytes = 0;
  /** The number of batches, from the front, that were sent on this connection, and their bytes. */
  #sent = 0;
  #sentBytes = 0;
  /**
   * Undefined until the room accepted once. `from` is the first sequence in the epoch, `next` the next frame's
   * sequence.
   */
  #epoch: { readonly id: string; readonly from: number } | undefined;
  #track = 0;
  #next = 0;
  /** The next frame to number does not continue the epoch. */
  #discontinuity = false;
  /** The inits that may still apply to an unacknowledged frame. */
  readonly #inits: Init[] = [];
  #initMemory = new Uint8Array(0);

  /** Approximate bytes of memory of written, unacknowledged frames. */
  get bytes(): number {
    return this.#backlog.bytes + this.#batchBytes;
  }

  /** Bytes on their way on this connection, headers included. */
  get sentBytes(): number {
    return this.#sentBytes;
  }

  get dropped(): Dropped {
    return this.#backlog.dropped;
  }

  /** The epoch and its oldest unacknowledged frame. */
  get position(): Position | undefined {
    return this.#epoch && { epoch: this.#epoch.id, sequence: this.#oldest };
  }

  /** Frames that were sent at some time and are unacknowledged. */
  get unacknowledged(): number {
    return this.#next - this.#oldest;
  }

  /** All frames below it were sent on this connection, or are acknowledged. */
  get sentTo(): number {
    return this.#batches.at(this.#sent)?.sequence ?? this.#next;
  }

  /** True if the next message is a gap. */
  get isAtGap(): boolean {
    return (this.#batches.at(this.#sent) ?? this.#backlog.peek())?.is === "gap";
  }

  get #oldest(): number {
    return this.#batches.at(0)?.sequence ?? this.#next;
  }

  /** The payload belongs to the outbox until it is acknowledged: it must not change. */
  write(frame: SplitFrame, timestamp: number): void {
    this.#backlog.write(frame, timestamp);
  }

  /** Drops the oldest group of which nothing was numbered. Returns false if there is none. */
  drop(): boolean {
    return this.#backlog.drop();
  }

  /** The connection was lost, so nothing is on its way. */
  rewind(): void {
    this.#sent = 0;
    this.#sentBytes = 0;
  }

  /** The room accepted, and wants `sequence` of `epoch` next. Renumbers the kept frames if they do not fit. */
  accept(epoch: string, sequence: number, track: number): void {
    this.rewind();
    const before = this.#epoch;
    if (epoch === before?.id) this.acknowledge(sequence);
    const shift = sequence - this.#oldest;
    const continues = before === undefined || (epoch === before.id && shift === 0);
    this.#epoch = epoch === before?.id ? before : { id: epoch, from: sequence };
    if (!continues) this.#renumber(shift);
    this.#track = track;
    this.#next += shift;
    for (const init of this.#inits) init.sequence += shift;
  }

  /** All frames below `sequence` are in the room. */
  acknowledge(sequence: number): void {
    for (let batch = this.#batches.at(0); batch && batch.sequence < sequence; batch = this.#batches.at(0)) {
      const all = endOf(batch) <= sequence;
      this.#count(batch, -1);
      if (all) {
        this.#batches.shift();
        if (this.#sent > 0) this.#sent--;
      } else {
        shorten(batch, sequence);
        this.#count(batch, 1);
        break;
      }
    }
    this.#dropInits();
  }

  /**
   * The next message that rule P4 allows to send; it then counts as sent. Undefined: none at the moment. Call this only
   * when accepted. The bytes are valid until the next message is made, by this outbox or another one.
   */
  take(window: number): Uint8Array<ArrayBuffer> | string | undefined {
    if (window === 0) return undefined;
    const room = window - this.#sentBytes;
    const batch = this.#batches.at(this.#sent) ?? this.#cut(room);
    if (batch === undefined || !this.#fits(bytesOf(batch), room)) return undefined;
    this.#sent++;
    this.#sentBytes += bytesOf(batch);
    return messageOf(batch, this.#track);
  }

  /** A message with the init that applies at the sender's position; undefined if there is none (rule P6). */
  init(): Uint8Array<ArrayBuffer> | undefined {
    const init = this.#inits.findLast((one) => one.sequence < this.sentTo);
    if (init === undefined) return undefined;
    const sequence = Math.max(init.sequence, this.#epoch?.from ?? 0);
    return encodeMessage([{ ...init, type: FrameType.init, flags: 0, track: this.#track, sequence }], scratch);
  }

  /** Counts the oldest batch when it comes (1) or goes (-1). */
  #count(batch: Batch, sign: 1 | -1): void {
    this.#batchBytes += sign * memoryOf(batch);
    if (this.#sent > 0) this.#sentBytes += sign * bytesOf(batch);
  }

  #fits(bytes: number, room: number): boolean {
    return bytes <= room || this.#sentBytes === 0;
  }

  /** Numbers waiting frames into a batch of at most `room` bytes. By rule P4, a single frame may exceed it. */
  #cut(room: number): Batch | undefined {
    const batch = this.#cutGap(room) ?? this.#cutFrames(room);
    if (batch === undefined) return undefined;
    this.#batches.push(batch);
    this.#batchBytes += memoryOf(batch);
    return batch;
  }

  #cutGap(room: number): Batch | undefined {
    const head = this.#backlog.peek();
    if (head?.is !== "gap" || !this.#fits(HEADER_BYTES, room)) return undefined;
    const sequence = this.#next;
    this.#backlog.shift();
    this.#next += head.frames;
    this.#discontinuity = true;
    return { is: "gap", sequence, frames: head.frames };
  }

  #cutFrames(room: number): Batch | undefined {
    const most = this.#backlog.bytes > MESSAGE_BYTES ? BACKLOG_MESSAGE_BYTES : MESSAGE_BYTES;
    const limit = Math.min(room, most);
    const sequence = this.#next;
    const frames: Written[] = [];
    let bytes = 0;
    for (let head = this.#backlog.peek(); head?.is === "frame"; head = this.#backlog.peek()) {
      const size = sizeOf(head);
      if (frames.length === 0 ? !this.#fits(size, room) : bytes + size > limit) break;
      this.#number(head);
      frames.push(head);
      bytes += size;
      this.#backlog.shift();
      if (frames.length === MAX_MESSAGE_FRAMES) break;
    }
    if (frames.length === 0) return undefined;
    const discontinuity = this.#discontinuity;
    this.#discontinuity = false;
    return { is: "frames", sequence, frames, bytes, discontinuity };
  }

  #number({ flags, timestamp, payload }: Written): void {
    const sequence = this.#next++;
    if ((flags & Flag.init) !== 0) this.#inits.push({ sequence, timestamp, payload });
  }

  /**
   * Keeps the last acknowledged init, in memory of its own: its old memory would keep everything that was read with it.
   */
  #dropInits(): void {
    const oldest = this.#oldest;
    while ((this.#inits[1]?.sequence ?? Infinity) < oldest) this.#inits.shift();
    const [init] = this.#inits;
    if (init === undefined || init.sequence >= oldest || init.payload.buffer === this.#initMemory.buffer) return;
    const { byteLength } = init.payload;
    if (this.#initMemory.byteLength < byteLength) this.#initMemory = new Uint8Array(byteLength);
    this.#initMemory.set(init.payload);
    init.payload = this.#initMemory.subarray(0, byteLength);
  }

  /** Moves the kept frames to other numbers. Their first frame does not continue the epoch. */
  #renumber(shift: number): void {
    let isFirst = true;
    for (let index = 0; index < this.#batches.length; index++) {
      const batch = this.#batches.at(index);
      if (batch === undefined) continue;
      batch.sequence += shift;
      if (batch.is === "gap") continue;
      batch.discontinuity ||= isFirst;
      isFirst = false;
    }
    this.#discontinuity ||= isFirst;
  }
}
