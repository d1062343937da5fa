// Cuts a track into the segments of its recording: whole frames, at group starts if there are any.
import { Flag } from "../../protocol/frame.ts";
import type { RecordedFrame } from "../../protocol/recording.ts";

/** A segment is cut at a group start once it has this duration, or the bytes below. */
export const SEGMENT_MS = 4000;
export const SEGMENT_BYTES = 8 * 1024 * 1024;
/** A segment is cut at any frame at these limits, because a track may have no second group. */
export const MAX_SEGMENT_MS = 30_000;
export const MAX_SEGMENT_BYTES = 16 * 1024 * 1024;
/** The row of a segment lists all of its frames, and has at most 2 MB. */
export const MAX_SEGMENT_FRAMES = 32_768;
/**
 * A break of the stream begins a new segment, but not sooner than this: broken input would otherwise become an object
 * for each frame.
 */
const BREAK_MS = 1000;

/** Memory of a frame in addition to its payload. */
const FRAME_BYTES = 256;

/** A received frame. `receivedAt`: the room's clock, ms since 1970; `payload` is kept without a copy. */
export interface IncomingFrame {
  readonly sequence: number;
  readonly flags: number;
  readonly timestamp: number;
  readonly receivedAt: number;
  readonly payload: Uint8Array;
}

/** A complete segment. Times are ms since 1970. */
export interface Cut {
  readonly epoch: string;
  readonly format: string | null;
  readonly first: number;
  readonly next: number;
  readonly frames: readonly RecordedFrame[];
  readonly parts: readonly Uint8Array[];
  readonly bytes: number;
  /** Memory that it takes. */
  readonly costBytes: number;
  readonly beganAt: number;
  readonly endedAt: number;
  readonly receivedAt: number;
  readonly receivedUntil: number;
  readonly leadingInitBytes: number;
  /** A group begins after that init, so the segment can be played alone. */
  readonly startsGroup: boolean;
  /** It does not continue at the end of the previous segment. */
  readonly discontinuity: boolean;
  /** The init that applies to its first frame; null: unknown. */
  readonly init: Uint8Array | null;
}

type Open = { -readonly [K in "epoch" | "format" | "discontinuity" | "init"]: Cut[K] } & {
  readonly frames: IncomingFrame[];
  bytes: number;
};

/** Cuts one track. Frames of an epoch follow one another; for a hole or another epoch, the caller calls `flush`. */
export class Cutter {
  #open: Open | undefined;
  #init: Uint8Array | null = null;
  #isBroken = true;
  format: string | null = null;

  /** Memory of the frames that are not cut yet. */
  get costBytes(): number {
    return this.#open === undefined ? 0 : costOf(this.#open.bytes, this.#open.frames.length);
  }

  get isEmpty(): boolean {
    return this.#open === undefined;
  }

  /** Adds a frame. Returns the segments that it completes. */
  add(epoch: string, frame: IncomingFrame): Cut[] {
    const cuts = [...this.#before(frame)];
    this.#append(epoch, frame);
    if ((frame.flags & Flag.end) !== 0) cuts.push(...this.flush());
    return cuts;
  }

  /** A copy of the track's init arrived, which is not a frame. */
  learnInit(payload: Uint8Array): void {
    this.#init = payload.slice();
    if (this.#open !== undefined) this.#open.init ??= this.#init;
  }

  /** Turns the remaining frames into a segment. `breaks`: the next frame does not follow. */
  flush(breaks = false): Cut[] {
    const open = this.#open;
    this.#open = undefined;
    this.#isBroken = this.#isBroken || breaks;
    return open === undefined ? [] : [cutOf(open, open.frames, undefined)];
  }

  /** Drops the frames that are not cut yet. */
  drop(): void {
    this.#open = undefined;
    this.#isBroken = true;
  }

  /** Another epoch: the init of the previous one does not apply. */
  begin(): void {
    this.#init = null;
    this.#isBroken = true;
  }

  #before(frame: IncomingFrame): Cut[] {
    const open = this.#open;
    const first = open?.frames[0];
    if (open === undefined || first === undefined) return [];
    const ms = Math.max(frame.timestamp - first.timestamp, frame.receivedAt - first.receivedAt);
    const { length } = open.frames;
    if ((frame.flags & Flag.discontinuity) !== 0 && ms >= BREAK_MS) return this.#cutAt(open, length, frame, true);
    const isFull = ms >= MAX_SEGMENT_MS || open.bytes + frame.payload.byteLength > MAX_SEGMENT_BYTES;
    if ((frame.flags & Flag.key) !== 0 && (ms >= SEGMENT_MS || open.bytes >= SEGMENT_BYTES)) {
      // Init right before a group belongs to the group, so that the segment can be played alone.
      let at = length;
      while (at > 0 && ((open.frames[at - 1]?.flags ?? 0) & Flag.init) !== 0) at--;
      if (at > 0) return this.#cutAt(open, at, open.frames[at] ?? frame, false);
    }
    return isFull || length >= MAX_SEGMENT_FRAMES ? this.#cutAt(open, length, frame, false) : [];
  }

  /** The frames from `at` on are the beginning of the next segment; `next` is its first one. */
  #cutAt(open: Open, at: number, next: IncomingFrame, isBroken: boolean): Cut[] {
    const rest = open.frames.slice(at);
    const cut = cutOf(open, open.frames.slice(0, at), next);
    this.#open = undefined;
    this.#isBroken = isBroken;
    for (const frame of rest) this.#append(open.epoch, frame);
    return [cut];
  }

  #append(epoch: string, frame: IncomingFrame): void {
    const isInit = (frame.flags & Flag.init) !== 0;
    if (isInit) this.#init = frame.payload.slice();
    this.#open ??= this.#newSegment(epoch, frame);
    if (isInit && this.#open.frames.every(({ flags }) => (flags & Flag.init) !== 0)) this.#open.init = this.#init;
    this.#open.frames.push(frame);
    this.#open.bytes += frame.payload.byteLength;
  }

  #newSegment(epoch: string, { flags }: IncomingFrame): Open {
    const discontinuity = this.#isBroken || (flags & Flag.discontinuity) !== 0;
    this.#isBroken = false;
    return { epoch, format: this.format, discontinuity, init: this.#init, frames: [], bytes: 0 };
  }
}

function cutOf(open: Open, frames: readonly IncomingFrame[], next: IncomingFrame | undefined): Cut {
  const [first, last] = [frames[0], frames.at(-1)];
  if (first === undefined || last === undefined) throw new TypeError("a segment must have frames");
  const { epoch, format, discontinuity, init } = open;
  const behind = frames.findIndex(({ flags }) => (flags & Flag.init) === 0);
  const leading = behind < 0 ? frames : frames.slice(0, behind);
  // If no frame follows yet, the last frame's duration is the average of the others.
  const lasts = (last.timestamp - first.timestamp) / Math.max(1, frames.length - 1);
  const endedAt = next?.timestamp ?? Math.round(last.timestamp + lasts);
  return {
    ...{ epoch, format, discontinuity, init },
    first: first.sequence,
    next: last.sequence + 1,
    frames: frames.map(({ flags, timestamp, payload }) => ({ flags, timestamp, bytes: payload.byteLength })),
    parts: frames.map(({ payload }) => payload),
    bytes: sum(frames),
    costBytes: costOf(sum(frames), frames.length),
    beganAt: first.timestamp,
    endedAt: Math.max(endedAt, first.timestamp),
    receivedAt: first.receivedAt,
    receivedUntil: last.receivedAt,
    leadingInitBytes: sum(leading),
    startsGroup: behind >= 0 && isGroup(frames[behind]),
  };
}

function isGroup(frame: IncomingFrame | undefined): boolean {
  return frame !== undefined && ((frame.flags & Flag.key) !== 0 || frame.sequence === 0);
}

function sum(frames: readonly IncomingFrame[]): number {
  return frames.reduce((bytes, { payload }) => bytes + payload.byteLength, 0);
}

/** Memory of a number of frames with the given total bytes. */
export function costOf(bytes: number, frames: number): number {
  return bytes + frames * FRAME_BYTES;
}
