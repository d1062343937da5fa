// What a publisher has written and the room has not acknowledged: unnumbered frames, then numbered messages. Pure.
import { type Allocate, encodeMessage, Flag, type Frame, FrameType, HEADER_BYTES } from "../protocol/frame.ts";
import { MAX_MESSAGE_FRAMES } from "../protocol/limits.ts";
import type { Position } from "../protocol/position.ts";
import type { SplitFrame } from "../protocol/splitter.ts";
import { Backlog, type Dropped, sizeOf, type Written } from "./backlog.ts";
import { type Batch, bytesOf, messageOf, renumber, shorten } from "./batch.ts";
import { Deque } from "./deque.ts";

const MESSAGE_BYTES = 64 * 1024;
/** Where more than a message is waiting: fewer and larger ones. */
const BACKLOG_MESSAGE_BYTES = 256 * 1024;

interface Init {
  sequence: number;
  readonly timestamp: number;
  readonly payload: Uint8Array;
}

/** Numbers frames, cuts them into messages by the room's window, keeps them until acknowledged, renumbers. */
export class Outbox {
  readonly #allocate: Allocate | undefined;
  readonly #backlog = new Backlog();
  readonly #batches = new Deque<Batch>();
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

  /** Bytes, headers included: written and not acknowledged. */
  get bytes(): number {
    return this.#backlog.bytes + this.#batchBytes;
  }

  /** Bytes on their way on this connection. */
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

  /** `allocate`: where messages get their memory. */
  constructor(allocate?: Allocate) {
    this.#allocate = allocate;
  }

  /** All below it was sent on this connection, or acknowledged. */
  get sentTo(): number {
    return this.#batches.at(this.#sent)?.sequence ?? this.#next;
  }

  get #oldest(): number {
    return this.#batches.at(0)?.sequence ?? this.#next;
  }

  /** The payload belongs to the outbox until it was taken: it must not be changed. */
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
    if (!continues) this.#discontinuity = true;
    if (!continues || track !== this.#track) this.#renumber(shift, track);
    this.#track = track;
    this.#next += shift;
    for (const init of this.#inits) init.sequence += shift;
  }

  /** All below `sequence` is in the room. */
  acknowledge(sequence: number): void {
    for (let batch = this.#batches.at(0); batch && batch.sequence < sequence; batch = this.#batches.at(0)) {
      const all = sequence - batch.sequence >= batch.frames;
      const bytes = all ? bytesOf(batch) : shorten(batch, sequence - batch.sequence);
      this.#batchBytes -= bytes;
      if (this.#sent > 0) this.#sentBytes -= bytes;
      if (!all) break;
      this.#batches.shift();
      if (this.#sent > 0) this.#sent--;
    }
    while ((this.#inits[1]?.sequence ?? Infinity) < this.#oldest) this.#inits.shift();
  }

  /** The next message that may be sent by rule P4, counted as sent; undefined: not now. Call only when accepted. */
  take(window: number): Uint8Array<ArrayBuffer> | string | undefined {
    if (window === 0) return undefined;
    const room = window - this.#sentBytes;
    const batch = this.#batches.at(this.#sent) ?? this.#cut(room);
    if (batch === undefined || !this.#fits(bytesOf(batch), room)) return undefined;
    this.#sent++;
    this.#sentBytes += bytesOf(batch);
    return messageOf(batch);
  }

  /** A message with the init that applies where the sender stands; undefined where none does (rule P6). */
  init(): Uint8Array<ArrayBuffer> | undefined {
    const init = this.#inits.findLast((one) => one.sequence < this.sentTo);
    if (init === undefined) return undefined;
    const sequence = Math.max(init.sequence, this.#epoch?.from ?? 0);
    return encodeMessage([{ ...init, type: FrameType.init, flags: 0, track: this.#track, sequence }]);
  }

  #fits(bytes: number, room: number): boolean {
    return bytes <= room || this.#sentBytes === 0;
  }

  /** Numbers what waits into a batch of at most `room` bytes; a single frame may exceed it by rule P4. */
  #cut(room: number): Batch | undefined {
    const batch = this.#cutGap(room) ?? this.#cutFrames(room);
    if (batch === undefined) return undefined;
    this.#batches.push(batch);
    this.#batchBytes += bytesOf(batch);
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
    const frames: Frame[] = [];
    let size = 0;
    for (let head = this.#backlog.peek(); head?.is === "frame"; head = this.#backlog.peek()) {
      const bytes = sizeOf(head.frame);
      if (frames.length === 0 ? !this.#fits(bytes, room) : size + bytes > limit) break;
      frames.push(this.#number(head.frame));
      size += bytes;
      this.#backlog.shift();
      if (frames.length === MAX_MESSAGE_FRAMES) break;
    }
    if (frames.length === 0) return undefined;
    return { is: "frames", bytes: encodeMessage(frames, this.#allocate), sequence, frames: frames.length };
  }

  #number({ payload, flags, timestamp }: Written): Frame {
    const sequence = this.#next++;
    if ((flags & Flag.init) !== 0) this.#inits.push({ sequence, timestamp, payload: payload.slice() });
    const mark = this.#discontinuity ? Flag.discontinuity : 0;
    this.#discontinuity = false;
    return { type: FrameType.frame, flags: flags | mark, track: this.#track, sequence, timestamp, payload };
  }

  /** Patches the headers of what is kept; what was sent is safe, since `Socket.send` took a snapshot. */
  #renumber(shift: number, track: number): void {
    for (let index = 0; index < this.#batches.length; index++) {
      const batch = this.#batches.at(index);
      if (batch !== undefined && renumber(batch, shift, track, this.#discontinuity)) this.#discontinuity = false;
    }
  }
}
