// What every payload of a benchmark begins with: its place in the stream, and when it was sent.

/** Bytes of a stamp: index and time, f64 each. */
export const STAMP_BYTES = 16;

/** Writes the stamp; `sentAt` in ms of `performance.now()`. */
export function writeStamp(view: DataView, offset: number, index: number, sentAt: number): void {
  view.setFloat64(offset, index);
  view.setFloat64(offset + 8, sentAt);
}

/** A payload of `bytes` with its stamp, where there is room for one; the rest is no zeros, in case something on the way likes zeros. */
export function stampedPayload(bytes: number, index: number, sentAt: number): Uint8Array<ArrayBuffer> {
  const payload = new Uint8Array(bytes).fill(0xa5);
  if (bytes >= STAMP_BYTES) writeStamp(new DataView(payload.buffer), 0, index, sentAt);
  return payload;
}
