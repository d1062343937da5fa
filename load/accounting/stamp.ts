// The stamp at the beginning of a load's payload: its run, its index in the stream, and the time of sending.

/** Bytes of a stamp: mark and run, u32 each; index and time, f64 each. */
export const STAMP_BYTES = 24;
/** "LOAD": no video begins with it. */
const MARK = 0x4c_4f_41_44;
/** The first byte of a stamp. */
export const FIRST_STAMP_BYTE = MARK >>> 24;
/** The bytes after the stamp are not zeros, in case something on the way treats zeros specially. */
const FILL = 0xa5;

/** Writes the stamp; `run` distinguishes the frames of different loads. */
export function writeStamp(view: DataView, offset: number, index: number, sentAt: number, run = 0): void {
  view.setUint32(offset, MARK);
  view.setUint32(offset + 4, run);
  view.setFloat64(offset + 8, index);
  view.setFloat64(offset + 16, sentAt);
}

/** Returns true if there is a stamp of `run` at `offset`. The caller makes sure that there are `STAMP_BYTES`. */
export function isStamp(view: DataView, offset: number, run: number): boolean {
  return view.getUint32(offset) === MARK && view.getUint32(offset + 4) === run;
}

/** The index in a stamp. */
export function stampIndex(view: DataView, offset: number): number {
  return view.getFloat64(offset + 8);
}

/** The time in a stamp, by the writer's clock. */
export function stampTime(view: DataView, offset: number): number {
  return view.getFloat64(offset + 16);
}

/** A payload of `bytes` with its stamp, if it fits. */
export function stampedPayload(bytes: number, index: number, sentAt: number, run = 0): Uint8Array<ArrayBuffer> {
  const payload = new Uint8Array(bytes).fill(FILL);
  if (bytes >= STAMP_BYTES) writeStamp(new DataView(payload.buffer), 0, index, sentAt, run);
  return payload;
}
