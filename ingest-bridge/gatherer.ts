// Gathers small reads of a stream without a structure: the first read leaves at once, those close behind it leave
// together.
import { joined } from "../protocol/joined.ts";
import { NOTHING_YET, type Reader } from "./socket-reader.ts";

/** The maximum size, and the time since the last piece. */
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

  /** A piece leaves now. */
  mark(): void {
    this.#leftAt = performance.now();
  }

  /** Adds to `first`, which was just read, everything that arrives within the remaining time. */
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
    return parts.length === 1 ? first : joined(parts, bytes);
  }
}
