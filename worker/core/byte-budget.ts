// The bytes that all connections of a room together may have queued in this process. Asked before each send.
import type { Tuning } from "./tuning.ts";

/** A holder of queued bytes. `measure` tells the budget the current number. */
export interface Holder {
  measure(): void;
}

/**
 * Messages of up to two blocks use no more than this part: the allocator keeps their memory, while a larger frame's
 * memory is free at once.
 */
const SMALL_PART = 0.35;

/** While less than this part of that is used, there are few newcomers, and each may have much at once. */
const LOW_PART = 1 / 4;
/**
 * If there are many newcomers, their messages are no larger than this: a send costs as much as copying this many bytes.
 * A frame of 64 KiB fits.
 */
const SMALL_CHUNK_BYTES = 65 * 1024;

/**
 * The sum over all connections, including closing ones. Half of it is for everybody. The other half is only for
 * connections that show that they read, because a socket that nobody reads keeps its queue even when it is closed.
 */
export class ByteBudget {
  readonly #tuning: Pick<Tuning, "roomQueueBytes" | "blockBytes">;
  readonly #holders = new Set<Holder>();
  #queued = 0;

  constructor(tuning: Pick<Tuning, "roomQueueBytes" | "blockBytes">) {
    this.#tuning = tuning;
  }

  /** Queued bytes, as of the last look at each connection: never less than the actual number. */
  get queuedBytes(): number {
    return this.#queued;
  }

  /** True if nearly all of it is free. */
  get isLow(): boolean {
    return this.#queued < this.#tuning.roomQueueBytes * SMALL_PART * LOW_PART;
  }

  /** `holder` has `after` bytes queued, after `before`. */
  move(holder: Holder, before: number, after: number): void {
    this.#queued += after - before;
    if (after > 0) this.#holders.add(holder);
    else this.#holders.delete(holder);
  }

  /** Looks at every holder that had something queued. */
  refresh(): void {
    for (const holder of this.#holders) holder.measure();
  }

  /** True if `bytes` more may be queued; `reads`: the connection shows that it reads. */
  allows(bytes: number, reads: boolean): boolean {
    const { roomQueueBytes, blockBytes } = this.#tuning;
    const most = bytes > 2 * blockBytes ? roomQueueBytes : roomQueueBytes * SMALL_PART;
    return this.#queued + bytes <= (reads ? most : most / 2) || this.#queued === 0;
  }

  /** The maximum size of a run of frames in one message; a single frame may be larger. */
  chunkBytes(reads: boolean): number {
    // Two sizes, so that a run joined for one subscriber serves others.
    return reads || this.isLow ? this.#tuning.blockBytes : SMALL_CHUNK_BYTES;
  }
}
