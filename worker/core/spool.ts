// The data that a recorder has received but not stored, in order: segments, and gaps between them.
import type { Cut } from "./cutter.ts";
import type { NewGap } from "./recording-rows.ts";
import { Retry } from "./retry.ts";

/**
 * Memory of the data that one recorder has not stored. At 4 Mbit/s, the bucket may be unreachable for three quarters of
 * a minute.
 */
export const SPOOL_BYTES = 24 * 1024 * 1024;

/** The memory of all recorders of one isolate together. Each may have a minimum, whatever the others use. */
const SHARED_BYTES = 64 * 1024 * 1024;
const LEAST_BYTES = 4 * 1024 * 1024;

/** The memory that a recorder may have while the others of its isolate have `others`. */
export function spoolBytes(others: number): number {
  return Math.max(LEAST_BYTES, Math.min(SPOOL_BYTES, SHARED_BYTES - others));
}

/**
 * A segment that could not be stored is tried again after a random time up to this, which doubles up to the second
 * value.
 */
const RETRY_MS = 200;
const MAX_RETRY_MS = 5000;

export type SpoolEntry = { readonly is: "segment"; readonly cut: Cut } | { readonly is: "gap"; readonly gap: NewGap };

/** Stores one entry at a time, the oldest first. */
export class Spool {
  #entries: SpoolEntry[] = [];
  #bytes = 0;
  /** True while the oldest entry is being stored. */
  #isStoring = false;
  readonly #retry = new Retry(RETRY_MS, MAX_RETRY_MS);

  /** Memory that it takes. */
  get bytes(): number {
    return this.#bytes;
  }

  get isEmpty(): boolean {
    return this.#entries.length === 0;
  }

  get failures(): number {
    return this.#retry.failures;
  }

  push(entry: SpoolEntry): void {
    this.#entries.push(entry);
    if (entry.is === "segment") this.#bytes += entry.cut.costBytes;
  }

  /** The entry to store now; undefined: there is none, or one is being stored, or it failed a moment ago. */
  due(now: number): SpoolEntry | undefined {
    return this.#isStoring || (this.#retry.at ?? 0) > now ? undefined : this.#entries[0];
  }

  /** The entry that is being stored, or is next. */
  get head(): SpoolEntry | undefined {
    return this.#entries[0];
  }

  /** When `due` may return an entry that it does not return now. */
  get dueAt(): number | undefined {
    return this.isEmpty || this.#isStoring ? undefined : this.#retry.at;
  }

  /** The oldest entry is being stored. */
  begin(): void {
    this.#isStoring = true;
  }

  /** The oldest entry is stored. */
  done(): void {
    const entry = this.#entries.shift();
    if (entry?.is === "segment") this.#bytes -= entry.cut.costBytes;
    this.#isStoring = false;
    this.#retry.succeeded();
  }

  /** `random`: at least 0 and below 1. */
  failed(now: number, random: number): void {
    this.#isStoring = false;
    this.#retry.failed(now, random);
  }

  /** Drops all entries. */
  clear(): void {
    this.#entries = [];
    this.#bytes = 0;
    this.#isStoring = false;
    this.#retry.succeeded();
  }
}
