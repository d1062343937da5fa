// Movie fragments as media sources require them: sample offsets count from the fragment itself, not from the file.

const HEADER_BYTES = 8;
/** `tfhd` flags: 8 bytes of offset follow the track's id; offsets count from the `moof`. */
const BASE_DATA_OFFSET = 0x1;
const BASE_IS_MOOF = 0x2_0000;
/** Version and flags, and the track's id, before the offset. */
const OFFSET_AT = HEADER_BYTES + 8;

/**
 * The bytes, in memory of their own. A `tfhd` may contain the fragment's offset in the file (ffmpeg writes it without
 * `default_base_moof`). Browsers reject such fragments, so this removes the offset: 8 bytes become an empty `free` box,
 * and all sizes stay.
 */
export function withRelativeOffsets(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const copy = bytes.slice();
  for (const moof of boxes(copy, 0, copy.byteLength, "moof"))
    for (const traf of boxes(copy, moof.start + HEADER_BYTES, moof.end, "traf"))
      for (const tfhd of boxes(copy, traf.start + HEADER_BYTES, traf.end, "tfhd")) rebase(copy, tfhd);
  return copy;
}

interface Range {
  readonly start: number;
  readonly end: number;
}

/** The consecutive boxes of a type from `start` on, up to the first malformed one. */
function* boxes(bytes: Uint8Array, start: number, end: number, type: string): Generator<Range> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = start; at + HEADER_BYTES <= end; ) {
    const size = view.getUint32(at);
    if (size < HEADER_BYTES || at + size > end) return;
    if (String.fromCharCode(...bytes.subarray(at + 4, at + HEADER_BYTES)) === type) yield { start: at, end: at + size };
    at += size;
  }
}

function rebase(bytes: Uint8Array, { start, end }: Range): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const flags = view.getUint32(start + HEADER_BYTES);
  if ((flags & BASE_DATA_OFFSET) === 0 || end - start < OFFSET_AT + 8) return;
  view.setUint32(start, end - start - 8);
  view.setUint32(start + HEADER_BYTES, (flags & ~BASE_DATA_OFFSET) | BASE_IS_MOOF);
  bytes.copyWithin(start + OFFSET_AT, start + OFFSET_AT + 8, end);
  view.setUint32(end - 8, HEADER_BYTES);
  bytes.set(new TextEncoder().encode("free"), end - 4);
}
