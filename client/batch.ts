// The unit that is sent as one message and kept until it is acknowledged: numbered frames, or the gap of dropped
// frames.
import { encodeMessage, Flag, type Frame, FrameType, HEADER_BYTES } from "../protocol/frame.ts";
import { FRAME_MEMORY_BYTES, type Written } from "./backlog.ts";
import { scratch } from "./scratch.ts";

/** Frames from `sequence` on, without the acknowledged ones. */
export interface FrameBatch {
  readonly is: "frames";
  sequence: number;
  frames: readonly Written[];
  /** Their size in a message. */
  bytes: number;
  /** The first frame does not continue the stream before it, whatever its own flags say. */
  discontinuity: boolean;
}

/** Sequences of frames that nobody will receive. */
export interface GapBatch {
  readonly is: "gap";
  sequence: number;
  frames: number;
}

export type Batch = FrameBatch | GapBatch;

/** Bytes of a frame in a message. */
export function sizeOf(frame: Written): number {
  return HEADER_BYTES + frame.payload.byteLength;
}

/** Bytes of frames with their headers; a gap counts as an empty frame. */
export function bytesOf(batch: Batch): number {
  return batch.is === "frames" ? batch.bytes : HEADER_BYTES;
}

/** Approximate bytes of memory that it takes. */
export function memoryOf(batch: Batch): number {
  const frames = batch.is === "frames" ? batch.frames.length : 1;
  return bytesOf(batch) + frames * (FRAME_MEMORY_BYTES - HEADER_BYTES);
}

/** The sequence behind the batch. */
export function endOf(batch: Batch): number {
  return batch.sequence + (batch.is === "frames" ? batch.frames.length : batch.frames);
}

/** Removes the frames below `sequence`, but never all. */
export function shorten(batch: Batch, sequence: number): void {
  const count = sequence - batch.sequence;
  batch.sequence = sequence;
  if (batch.is === "gap") {
    batch.frames -= count;
    return;
  }
  for (const frame of batch.frames.slice(0, count)) batch.bytes -= sizeOf(frame);
  batch.frames = batch.frames.slice(count);
  batch.discontinuity = false;
}

/** The message: binary frames, valid until the next message is made, or the text of a publisher's `gap`. */
export function messageOf(batch: Batch, track: number): Uint8Array<ArrayBuffer> | string {
  const { sequence } = batch;
  if (batch.is === "gap") {
    return JSON.stringify({ type: "gap", from: sequence, to: endOf(batch) - 1, reason: "ingest" });
  }
  const frames = batch.frames.map((frame, index): Frame => {
    const mark = batch.discontinuity && index === 0 ? Flag.discontinuity : 0;
    return { ...frame, type: FrameType.frame, flags: frame.flags | mark, track, sequence: sequence + index };
  });
  return encodeMessage(frames, scratch);
}
