// What all connections of a room together may have queued in this process. Asked before each send, never after.
import type { Tuning } from "./tuning.ts";

/** Something that holds queued bytes. `measure` tells the budget how many there are now. */
export interface Holder {
  measure(): void;
}

/** Messages of up to two blocks take no more than this part: the allocator keeps what they took, while a larger frame's place is free at once. */
const SMALL_PART = 0.4;

/** A newcomer gets at most this part of what is left, so that many of them cannot take all... */
const NEWCOMER_PART = 2000;
/** ... but messages are not cut smaller than this: a send costs as much as copying so many bytes. */
const MIN_CHUNK_BYTES = 64 * 1024;

/**
 * The sum over all connections, closing ones included. Half of it is for everybody; the other half is only for those
 * who show that they read, since a socket that nobody reads keeps its queue even when it is closed.
 */
export class ByteBudget {
  readonly #tuning: Pick<Tuning, "roomQueueBytes" | "blockBytes">;
  readonly #holders = new Set<Holder>();
  #queued = 0;

  constructor(tuning: Pick<Tuning, "roomQueueBytes" | "blockBytes">) {
    this.#tuning = tuning;
  }

  /** Bytes queued, as of the last look at each connection: never less than there are. */
  get queuedBytes(): number {
    return this.#queued;
  }

  /** `holder` has `after` bytes queued, where it had `before`. */
  move(holder: Holder, before: number, after: number): void {
    this.#queued += after - before;
    if (after > 0) this.#holders.add(holder);
    else this.#holders.delete(holder);
  }

  /** Looks at everybody who had something queued. */
  refresh(): void {
    for (const holder of this.#holders) holder.measure();
  }

  /** May `bytes` more be queued, for somebody who `reads` or does not show it? */
  allows(bytes: number, reads: boolean): boolean {
    const { roomQueueBytes, blockBytes } = this.#tuning;
    const most = bytes > 2 * blockBytes ? roomQueueBytes : roomQueueBytes * SMALL_PART;
    return this.#queued + bytes <= (reads ? most : most / 2) || this.#queued === 0;
  }

  /** How large a run of frames may be in one message; a single frame may be larger. */
  chunkBytes(reads: boolean): number {
    const { roomQueueBytes, blockBytes } = this.#tuning;
    if (reads) return blockBytes;
    const part = ((roomQueueBytes * SMALL_PART) / 2 - this.#queued) / NEWCOMER_PART;
    let chunk = blockBytes;
    // Few sizes, so that what was joined for one subscriber serves others.
    while (chunk > part && chunk > MIN_CHUNK_BYTES) chunk /= 2;
    return chunk;
  }
}
