// What one subscriber got: every frame counted, every hole found, and whether the room told of it.
import { STAMP_BYTES } from "./stamp.ts";

/** Called for each frame with the time of its stamp. */
export type OnFrame = (sentAt: number) => void;

/** Follows a stream of units of one size, each a header (framed mode) and a stamped payload. */
export class Ledger {
  readonly #headerBytes: number;
  readonly #unitBytes: number;
  readonly #stampEnd: number;
  readonly #stamp = new DataView(new ArrayBuffer(STAMP_BYTES));
  /** Where in the current unit the stream is. */
  #at = 0;
  #frames = 0;
  #expected = 0;
  #missing = 0;
  #told = 0;
  onFrame: OnFrame | undefined;

  /** `headerBytes` are those in front of each payload. */
  constructor(headerBytes: number, payloadBytes: number) {
    if (payloadBytes < STAMP_BYTES) throw new RangeError(`a payload has at least ${STAMP_BYTES} bytes`);
    this.#headerBytes = headerBytes;
    this.#unitBytes = headerBytes + payloadBytes;
    this.#stampEnd = headerBytes + STAMP_BYTES;
  }

  /** Frames received to their last byte. */
  get frames(): number {
    return this.#frames;
  }

  /** The index behind the newest frame that came or was told to be missing. */
  get position(): number {
    return this.#expected;
  }

  /** Frames that the room told to be missing. */
  get told(): number {
    return this.#told;
  }

  /** Frames below `published` that neither came nor were told to be missing. */
  lost(published: number): number {
    return this.#missing + Math.max(0, published - this.#expected);
  }

  /** The room says that `from` to `to` will not come. */
  gap(from: number, to: number): void {
    this.#told += to - from + 1;
    if (from > this.#expected) this.#missing += from - this.#expected;
    this.#expected = to + 1;
  }

  /** Bytes of the stream: `chunk` from `start` to `end`. */
  take(chunk: Buffer, start: number, end: number): void {
    let offset = start;
    while (offset < end) {
      if (this.#at === 0 && end - offset >= this.#unitBytes) {
        this.#takeUnit(chunk, offset);
        offset += this.#unitBytes;
        continue;
      }
      if (this.#at < this.#stampEnd) {
        offset = this.#takeStamp(chunk, offset, end);
        continue;
      }
      const step = Math.min(end - offset, this.#unitBytes - this.#at);
      offset += step;
      this.#at += step;
      if (this.#at === this.#unitBytes) this.#completed(this.#stamp.getFloat64(8));
    }
  }

  #takeStamp(chunk: Buffer, start: number, end: number): number {
    let offset = start;
    while (offset < end && this.#at < this.#stampEnd) {
      const place = this.#at - this.#headerBytes;
      if (place >= 0) this.#stamp.setUint8(place, chunk[offset] ?? 0);
      this.#at++;
      offset++;
    }
    if (this.#at === this.#stampEnd) this.#stamped(this.#stamp.getFloat64(0));
    if (this.#at === this.#unitBytes) this.#completed(this.#stamp.getFloat64(8));
    return offset;
  }

  #takeUnit(chunk: Buffer, offset: number): void {
    this.#stamped(chunk.readDoubleBE(offset + this.#headerBytes));
    this.#completed(chunk.readDoubleBE(offset + this.#headerBytes + 8));
  }

  #stamped(index: number): void {
    if (index > this.#expected) this.#missing += index - this.#expected;
    this.#expected = index;
  }

  #completed(sentAt: number): void {
    this.#at = 0;
    this.#frames++;
    this.#expected++;
    this.onFrame?.(sentAt);
  }
}
