// Payloads of blocks that several plain subscribers are about to read: joined once for all of them.
import type { Block } from "./block.ts";
import { PAYLOAD_CACHE_BYTES } from "./tuning.ts";

interface Cached {
  readonly next: number;
  readonly payload: Uint8Array;
}

/** The newest joined payloads of one epoch, by their first sequence. */
export class PayloadCache {
  readonly #cached = new Map<number, Cached>();
  #bytes = 0;

  /** Memory that it takes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** `block.payload()`. The payload of a single frame is a view and takes no memory here. */
  get(block: Block): Uint8Array {
    if (block.frameCount === 1) return block.payload();
    const known = this.#cached.get(block.first);
    if (known?.next === block.next) return known.payload;
    const payload = block.payload();
    this.#drop(block.first);
    this.#cached.set(block.first, { next: block.next, payload });
    this.#bytes += payload.byteLength;
    for (const first of this.#cached.keys()) {
      if (this.#bytes <= PAYLOAD_CACHE_BYTES) break;
      this.#drop(first);
    }
    return payload;
  }

  #drop(first: number): void {
    this.#bytes -= this.#cached.get(first)?.payload.byteLength ?? 0;
    this.#cached.delete(first);
  }
}
