// A run of consecutive frames of one track, encoded once and shared by all that get it.
import { Flag, type FrameView, HEADER_BYTES } from "../../protocol/frame.ts";

/** What a frame costs in memory besides its bytes: its entry in `frames`, roughly. */
const FRAME_OVERHEAD_BYTES = 96;

/** Frames `first` to `last`, as one message. Immutable; the bytes belong to it. */
export class Batch {
  readonly bytes: Uint8Array;
  readonly frames: readonly FrameView[];
  /** When the room got the first of them, ms since 1970. */
  readonly receivedAt: number;
  /** Bytes of the epoch before it. */
  readonly offset: number;

  constructor(bytes: Uint8Array, frames: readonly FrameView[], receivedAt: number, offset: number) {
    if (frames.length === 0) throw new TypeError("a batch has frames");
    this.bytes = bytes;
    this.frames = frames;
    this.receivedAt = receivedAt;
    this.offset = offset;
  }

  get first(): number {
    return this.frames[0]?.sequence ?? 0;
  }

  get next(): number {
    return this.first + this.frames.length;
  }

  /** Memory that it takes. */
  get cost(): number {
    return this.bytes.byteLength + this.frames.length * FRAME_OVERHEAD_BYTES;
  }

  /** The batch without the frames below `sequence`; shares the bytes. */
  from(sequence: number): Batch {
    const skip = sequence - this.first;
    if (skip <= 0) return this;
    const frames = this.frames.slice(skip);
    const cut = (frames[0]?.start ?? 0) - HEADER_BYTES;
    return new Batch(
      this.bytes.subarray(cut),
      frames.map((frame) => moveFrame(frame, -cut)),
      this.receivedAt,
      this.offset + cut,
    );
  }

  /** The payloads alone, one after the other: a view where there is one frame, else a copy. */
  payload(): Uint8Array {
    const only = this.frames.length === 1 ? this.frames[0] : undefined;
    return only === undefined ? concatPayloads(this.bytes, this.frames) : this.bytes.subarray(only.start, only.end);
  }

  /** The newest group start at or before `sequence`, if there is one in here. */
  keyAtOrBefore(sequence: number): number | undefined {
    for (let index = Math.min(this.frames.length - 1, sequence - this.first); index >= 0; index--) {
      const frame = this.frames[index];
      if (frame !== undefined && (frame.flags & Flag.key) !== 0) return frame.sequence;
    }
    return undefined;
  }

  /** The first group start at or after `sequence`, if there is one in here. */
  keyAtOrAfter(sequence: number): number | undefined {
    return this.frames.find((frame) => frame.sequence >= sequence && (frame.flags & Flag.key) !== 0)?.sequence;
  }
}

/** Joins consecutive batches into one: one copy, for everybody who gets it. */
export function mergeBatches(batches: readonly Batch[]): Batch {
  const bytes = new Uint8Array(batches.reduce((sum, batch) => sum + batch.bytes.byteLength, 0));
  const frames: FrameView[] = [];
  let offset = 0;
  for (const batch of batches) {
    bytes.set(batch.bytes, offset);
    for (const frame of batch.frames) frames.push(moveFrame(frame, offset));
    offset += batch.bytes.byteLength;
  }
  return new Batch(bytes, frames, batches[0]?.receivedAt ?? 0, batches[0]?.offset ?? 0);
}

/** The same frame, `by` bytes further on. */
export function moveFrame(frame: FrameView, by: number): FrameView {
  return { ...frame, start: frame.start + by, end: frame.end + by };
}

function concatPayloads(bytes: Uint8Array, frames: readonly FrameView[]): Uint8Array {
  const whole = new Uint8Array(frames.reduce((sum, frame) => sum + frame.end - frame.start, 0));
  let offset = 0;
  for (const frame of frames) {
    whole.set(bytes.subarray(frame.start, frame.end), offset);
    offset += frame.end - frame.start;
  }
  return whole;
}
