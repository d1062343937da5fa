// Gathering small reads of a stream without a structure: the first one leaves at once, those close behind it together.
import { NOTHING_YET, type Reader } from "./socket-reader.ts";

/** How much is gathered, and for how long after the last time. */
export interface GatherOptions {
  readonly ms: number;
  readonly bytes: number;
}

/** Reads a `Reader` in larger pieces. Holds less than `bytes` and one read. */
export class Gatherer {
  readonly #reader: Reader;
  readonly #options: GatherOptions;
  /** When the last piece left, on the monotonic clock. */
  #leftAt = Number.NEGATIVE_INFINITY;

  constructor(reader: Reader, options: GatherOptions) {
    this.#reader = reader;
    this.#options = options;
  }

  /** Something leaves now. */
  mark(): void {
    this.#leftAt = performance.now();
  }

  /** Adds to `first`, which was read just now, what comes within the time that is left. */
  async gather(first: Uint8Array): Promise<Uint8Array> {
    const due = this.#leftAt + this.#options.ms;
    const parts = [first];
    let bytes = first.byteLength;
    while (bytes < this.#options.bytes) {
      const left = due - performance.now();
      const part = left > 0 ? await this.#reader.nextWithin(left) : NOTHING_YET;
      if (part === NOTHING_YET || part === undefined) break;
      parts.push(part);
      bytes += part.byteLength;
    }
    return parts.length === 1 ? first : join(parts, bytes);
  }
}

function join(parts: readonly Uint8Array[], bytes: number): Uint8Array {
  const joined = new Uint8Array(bytes);
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.byteLength;
  }
  return joined;
}
