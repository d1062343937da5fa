// What a publisher has written and the room has not acknowledged: unnumbered frames, then numbered messages. Pure.
import { encodeMessage, Flag, FrameType, HEADER_BYTES } from "../protocol/frame.ts";
import { MAX_MESSAGE_FRAMES } from "../protocol/limits.ts";
import type { Position } from "../protocol/position.ts";
import type { SplitFrame } from "../protocol/splitter.ts";
import { Backlog, type Dropped, type Written } from "./backlog.ts";
import { type Batch, bytesOf, endOf, memoryOf, messageOf, shorten, sizeOf } from "./batch.ts";
import { Deque } from "./deque.ts";
import { scratch } from "./scratch.ts";

const MESSAGE_BYTES = 64 * 1024;
/** Where more than a message is waiting: fewer and larger ones. */
const BACKLOG_MESSAGE_BYTES = 256 * 1024;

interface Init {
  sequence: number;
  readonly timestamp: number;
  payload: Uint8Array;
}

/** Numbers frames, cuts them into messages by the room's window, keeps them until acknowledged, renumbers. */
export class Outbox {
  readonly #backlog = new Backlog();
  readonly #batches = new Deque<Batch>();
  /** Bytes of memory. */
  #batchBytes = 0;
  /** So many batches, from the front, were sent on this connection, and so many bytes. */
  #sent = 0;
  #sentBytes = 0;
  /** Undefined until the room accepted once. `from` is where we began in the epoch, `next` the next frame's number. */
  #epoch: { readonly id: string; readonly from: number } | undefined;
  #track = 0;
  #next = 0;
  /** The next frame to be numbered does not continue what the epoch has. */
  #discontinuity = false;
  /** Those that may still apply to a frame that is not acknowledged. */
  readonly #inits: Init[] = [];
  #initMemory = new Uint8Array(0);

  /** Bytes of memory, about: written and not acknowledged. */
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

  /** The epoch and its oldest frame that is not acknowledged. */
  get position(): Position | undefined {
    return this.#epoch && { epoch: this.#epoch.id, sequence: this.#oldest };
  }

  /** Frames that were sent at some time and are not acknowledged. */
  get unacknowledged(): number {
    return this.#next - this.#oldest;
  }

  /** All below it was sent on this connection, or acknowledged. */
  get sentTo(): number {
    return this.#batches.at(this.#sent)?.sequence ?? this.#next;
  }

  /** Is the next message a gap? */
  get isAtGap(): boolean {
    return (this.#batches.at(this.#sent) ?? this.#backlog.peek())?.is === "gap";
  }

  get #oldest(): number {
    return this.#batches.at(0)?.sequence ?? this.#next;
  }

  /** The payload belongs to the outbox until it was acknowledged: it must not be changed. */
  write(frame: SplitFrame, timestamp: number): void {
    this.#backlog.write(frame, timestamp);
  }

  /** Drops the oldest group of which nothing was numbered; false: there is none. */
  drop(): boolean {
    return this.#backlog.drop();
  }

  /** A connection was lost: nothing is on its way. */
  rewind(): void {
    this.#sent = 0;
    this.#sentBytes = 0;
  }

  /** The room accepted: it wants `sequence` of `epoch` next. Renumbers what it kept where that does not fit. */
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

  /** All below `sequence` is in the room. */
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
   * The next message that may be sent by rule P4, counted as sent; undefined: not now. Call only when accepted. Its bytes
   * are good until any other message is made, of this outbox or another one.
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

  /** A message with the init that applies where the sender stands; undefined where none does (rule P6). */
  init(): Uint8Array<ArrayBuffer> | undefined {
    const init = this.#inits.findLast((one) => one.sequence < this.sentTo);
    if (init === undefined) return undefined;
    const sequence = Math.max(init.sequence, this.#epoch?.from ?? 0);
    return encodeMessage([{ ...init, type: FrameType.init, flags: 0, track: this.#track, sequence }], scratch);
  }

  /** The oldest batch comes (1) or goes (-1). */
  #count(batch: Batch, sign: 1 | -1): void {
    this.#batchBytes += sign * memoryOf(batch);
    if (this.#sent > 0) this.#sentBytes += sign * bytesOf(batch);
  }

  #fits(bytes: number, room: number): boolean {
    return bytes <= room || this.#sentBytes === 0;
  }

  /** Numbers what waits into a batch of at most `room` bytes; a single frame may exceed it by rule P4. */
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

  /** Of the acknowledged ones the last one stays, in other memory: its own is that of all that was read with it. */
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

  /** What is kept moves to other numbers, and its first frame does not continue what the epoch has. */
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
