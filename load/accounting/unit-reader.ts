// Finds stamped payloads of one size in a stream of bytes, in any chunks, without copying it.
import { FIRST_STAMP_BYTE, isStamp, STAMP_BYTES, stampIndex, stampTime } from "./stamp.ts";

/** Called for each complete payload, with the data of its stamp. */
export type OnUnit = (index: number, sentAt: number) => void;

/**
 * Reads consecutive units, each a header (for frames) and a stamped payload. Skips bytes in between that are not a
 * stamp.
 */
export class UnitReader {
  readonly #headerBytes: number;
  readonly #unitBytes: number;
  readonly #stampEnd: number;
  readonly #run: number;
  readonly #onUnit: OnUnit;
  readonly #bytes = new Uint8Array(STAMP_BYTES);
  readonly #stamp = new DataView(this.#bytes.buffer);
  /** The position in the current unit. */
  #at = 0;

  /** `headerBytes`: the bytes before each payload. */
  constructor(headerBytes: number, payloadBytes: number, onUnit: OnUnit, run = 0) {
    if (payloadBytes < STAMP_BYTES) throw new RangeError(`a payload must have at least ${STAMP_BYTES} bytes`);
    this.#headerBytes = headerBytes;
    this.#unitBytes = headerBytes + payloadBytes;
    this.#stampEnd = headerBytes + STAMP_BYTES;
    this.#onUnit = onUnit;
    this.#run = run;
  }

  /** A new stream begins; the incomplete unit is dropped. */
  reset(): void {
    this.#at = 0;
  }

  /** Bytes of the stream: `chunk` from `start` to `end`. */
  take(chunk: Uint8Array, start: number, end: number): void {
    const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let offset = start;
    while (offset < end) {
      const stamp = offset + this.#headerBytes;
      if (this.#at === 0 && end - offset >= this.#unitBytes && isStamp(view, stamp, this.#run)) {
        this.#onUnit(stampIndex(view, stamp), stampTime(view, stamp));
        offset += this.#unitBytes;
      } else if (this.#at === 0 && this.#headerBytes === 0 && chunk[offset] !== FIRST_STAMP_BYTE) {
        const found = chunk.indexOf(FIRST_STAMP_BYTE, offset);
        offset = found < 0 ? end : Math.min(found, end);
      } else if (this.#at < this.#stampEnd) {
        this.#takeByte(view.getUint8(offset++));
      } else {
        const step = Math.min(end - offset, this.#unitBytes - this.#at);
        offset += step;
        this.#at += step;
      }
      if (this.#at === this.#unitBytes) this.#complete();
    }
  }

  /** A byte of the header or of the stamp. If it does not fit, the next unit may have begun among its bytes. */
  #takeByte(byte: number): void {
    const place = this.#at - this.#headerBytes;
    if (place >= 0) this.#bytes[place] = byte;
    this.#at++;
    if (this.#at < this.#stampEnd || isStamp(this.#stamp, 0, this.#run)) return;
    const next = this.#bytes.indexOf(FIRST_STAMP_BYTE, 1);
    const left = next < 0 ? 0 : STAMP_BYTES - next;
    if (left > 0) this.#bytes.copyWithin(0, next);
    this.#at = this.#headerBytes + left;
  }

  #complete(): void {
    this.#at = 0;
    this.#onUnit(stampIndex(this.#stamp, 0), stampTime(this.#stamp, 0));
  }
}
