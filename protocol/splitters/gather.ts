// The bytes of one frame, which may come in several chunks: a view while they are contiguous, then a copy.

const NOTHING = new Uint8Array(0);

/** Gathers parts into one array, and copies each byte a constant number of times. The owner limits the length. */
export class Gather {
  /** A view of the caller's bytes, or an own buffer of which `#length` bytes are filled. */
  #bytes: Uint8Array = NOTHING;
  #length = 0;
  #own = false;

  get length(): number {
    return this.#length;
  }

  /** The gathered bytes, which stay here; valid until the next call of `append`. */
  get view(): Uint8Array {
    return this.#own ? this.#bytes.subarray(0, this.#length) : this.#bytes;
  }

  /** Adds `part`. `expectedBytes`: the length of all parts, if known, so that the buffer has the right size at once. */
  append(part: Uint8Array, expectedBytes = 0): void {
    if (part.length === 0) return;
    const length = this.#length + part.length;
    if (this.#length === 0) this.#bytes = part;
    else if (!this.#own && follows(this.#bytes, part)) {
      this.#bytes = new Uint8Array(part.buffer, this.#bytes.byteOffset, length);
    } else {
      this.#reserve(length, expectedBytes);
      this.#bytes.set(part, this.#length);
    }
    this.#length = length;
  }

  /** Returns the gathered bytes and starts again. */
  take(): Uint8Array {
    const taken = this.view;
    this.#bytes = NOTHING;
    this.#length = 0;
    this.#own = false;
    return taken;
  }

  #reserve(length: number, expectedBytes: number): void {
    if (this.#own && length <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(length, expectedBytes, this.#own ? 2 * this.#bytes.length : 0));
    grown.set(this.view);
    this.#bytes = grown;
    this.#own = true;
  }
}

function follows(first: Uint8Array, second: Uint8Array): boolean {
  return first.buffer === second.buffer && first.byteOffset + first.byteLength === second.byteOffset;
}
