// The deletions of a recording: data that is too old or too much, erased data, and objects that no row names.
import { earliest } from "./earliest.ts";
import { parseObjectName } from "./recorder-id.ts";
import type { RecordingTerms } from "./recorder-state.ts";
import type { RecordingRows } from "./recording-rows.ts";
import { Retry } from "./retry.ts";

/** Its actions outside the core. None of them throws. */
export interface RetentionShell {
  /** Deletes objects; `removed` or `notRemoved` follows. */
  remove(names: readonly string[]): void;
  /** Lists a page of existing objects; `cursor`: from the previous page. `listed` or `notListed` follows. */
  list(cursor: string | undefined): void;
}

/** The number of objects that are deleted at once. */
const BATCH = 1000;

/** Expiries are gathered: a recording of a day causes one alarm each five minutes, not one for each segment. */
const GRID_MS = 300_000;

const RETRY_MS = 1000;
const MAX_RETRY_MS = 60_000;

/** Times are ms since 1970. Rows are deleted first, then objects, so a row never names a missing object. */
export class Retention {
  readonly #rows: RecordingRows;
  readonly #shell: RetentionShell;
  /** The names of objects on their way into the bucket. */
  readonly #onTheWay: () => readonly string[];
  readonly #retry = new Retry(RETRY_MS, MAX_RETRY_MS);
  #terms: RecordingTerms | null = null;
  #expiresAt: number | undefined;
  #isRemoving = false;
  #sweep: { readonly done: () => void; isListing: boolean; cursor: string | undefined } | undefined;

  constructor(rows: RecordingRows, shell: RetentionShell, onTheWay: () => readonly string[]) {
    this.#rows = rows;
    this.#shell = shell;
    this.#onTheWay = onTheWay;
  }

  /** When `apply` has something to do. */
  get expiresAt(): number | undefined {
    return this.#expiresAt;
  }

  /** True if nothing is left to be deleted. */
  get isIdle(): boolean {
    return this.#sweep === undefined && !this.#isRemoving && this.#rows.doomed.isEmpty;
  }

  /** Deletes everything beyond the terms. */
  apply(now: number, terms: RecordingTerms): void {
    this.#terms = terms;
    const beyond = this.#rows.lastBeyond(terms.maxBytes, now - terms.keepSeconds * 1000);
    if (beyond !== undefined) this.#rows.forgetThrough(beyond);
    const { firstAt } = this.#rows;
    const at = firstAt === undefined ? undefined : firstAt + terms.keepSeconds * 1000 + 1;
    this.#expiresAt = at === undefined ? undefined : Math.ceil(at / GRID_MS) * GRID_MS;
    this.#remove(now);
  }

  /** A segment or a gap was added. */
  added(now: number): void {
    if (this.#terms === null) return;
    if (this.#expiresAt === undefined || this.#rows.bytes > this.#terms.maxBytes) this.apply(now, this.#terms);
  }

  /** Objects with these names are no longer needed. */
  doom(now: number, names: readonly string[]): void {
    this.#rows.doomed.add(names);
    this.#remove(now);
  }

  removed(now: number, names: readonly string[]): void {
    this.#isRemoving = false;
    this.#retry.succeeded();
    this.#rows.doomed.delete(names);
    this.#remove(now);
  }

  /** `random`: at least 0 and below 1. */
  notRemoved(now: number, random: number): void {
    this.#isRemoving = false;
    this.#retry.failed(now, random);
  }

  /** Looks through all objects for those that no row names. Calls `done` at the end. */
  sweep(done: () => void): void {
    if (this.#sweep !== undefined) return;
    this.#sweep = { done, isListing: true, cursor: undefined };
    this.#shell.list(undefined);
  }

  /** A page of names; `cursor` undefined: the last one. */
  listed(now: number, names: readonly string[], cursor: string | undefined): void {
    const sweep = this.#sweep;
    if (sweep === undefined) return;
    const onTheWay = this.#onTheWay();
    const isOrphan = (name: string) => {
      const parsed = parseObjectName(name);
      return !onTheWay.includes(name) && (parsed === undefined || !this.#rows.has(name, parsed.id));
    };
    this.#rows.doomed.add(names.filter(isOrphan));
    if (cursor === undefined) {
      this.#sweep = undefined;
      sweep.done();
    } else {
      this.#sweep = { ...sweep, cursor };
      this.#shell.list(cursor);
    }
    this.#remove(now);
  }

  notListed(now: number, random: number): void {
    if (this.#sweep !== undefined) this.#sweep.isListing = false;
    this.#retry.failed(now, random);
  }

  /** When `tick` is needed, because something failed. */
  get dueAt(): number | undefined {
    const isStuck = this.#sweep?.isListing === false || (!this.#isRemoving && !this.#rows.doomed.isEmpty);
    return isStuck ? earliest([this.#retry.at ?? 0]) : undefined;
  }

  tick(now: number): void {
    if ((this.dueAt ?? Number.POSITIVE_INFINITY) > now) return;
    if (this.#sweep?.isListing === false) {
      this.#sweep.isListing = true;
      this.#shell.list(this.#sweep.cursor);
    }
    this.#remove(now);
  }

  #remove(now: number): void {
    if (this.#isRemoving || (this.#retry.at ?? 0) > now) return;
    const names = this.#rows.doomed.first(BATCH);
    if (names.length === 0) return;
    this.#isRemoving = true;
    this.#shell.remove(names);
  }
}
