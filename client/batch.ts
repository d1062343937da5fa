// What is sent as one message and kept until it is acknowledged: numbered frames, or the gap where frames were dropped.
import { Flag, HEADER_BYTES, readMessage, writeHeader } from "../protocol/frame.ts";

/** Frames `sequence`... without those that were acknowledged. */
export interface FrameBatch {
  readonly is: "frames";
  bytes: Uint8Array<ArrayBuffer>;
  sequence: number;
  frames: number;
}

/** Sequences that were given to frames that nobody gets. */
export interface GapBatch {
  readonly is: "gap";
  sequence: number;
  frames: number;
}

export type Batch = FrameBatch | GapBatch;

/** Bytes of frames with their headers; a gap counts as an empty frame. */
export function bytesOf(batch: Batch): number {
  return batch.is === "frames" ? batch.bytes.byteLength : HEADER_BYTES;
}

/** Takes the first `frames` away, not all. Answers the bytes that went. */
export function shorten(batch: Batch, frames: number): number {
  batch.sequence += frames;
  batch.frames -= frames;
  if (batch.is === "gap") return 0;
  const bytes = (readMessage(batch.bytes)[frames]?.start ?? HEADER_BYTES) - HEADER_BYTES;
  batch.bytes = batch.bytes.subarray(bytes);
  return bytes;
}

/** Moves a batch to other numbers, with `discontinuity` at its first frame if told; false: it has no frame to mark. */
export function renumber(batch: Batch, shift: number, track: number, discontinuity: boolean): boolean {
  batch.sequence += shift;
  if (batch.is === "gap") return false;
  const view = new DataView(batch.bytes.buffer, batch.bytes.byteOffset);
  for (const [index, frame] of readMessage(batch.bytes).entries()) {
    const flags = frame.flags | (discontinuity && index === 0 ? Flag.discontinuity : 0);
    const header = { ...frame, flags, track, sequence: frame.sequence + shift };
    writeHeader(view, frame.start - HEADER_BYTES, header, frame.end - frame.start);
  }
  return true;
}

/** The message: binary frames, or the text of a publisher's `gap`. */
export function messageOf(batch: Batch): Uint8Array<ArrayBuffer> | string {
  if (batch.is === "frames") return batch.bytes;
  const { sequence: from, frames } = batch;
  return JSON.stringify({ type: "gap", from, to: from + frames - 1, reason: "ingest" });
}
