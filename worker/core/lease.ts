// How long a room may stay without anybody: a lease that whoever is connected renews, kept through sleep and death.
import { number, orNull } from "./checked.ts";
import type { KeyValueStore } from "./key-value-store.ts";
import { readRow, writeRow } from "./stored-row.ts";
import { LEASE_CHECK_MAX_MS, LEASE_CHECK_MIN_MS } from "./tuning.ts";

const LEASE = "lease";

/**
 * The lease of a room. Only connections count: a request that is refused neither renews nor ends it. That the room is in use
 * is stored before anything can kill it, and looked after by an alarm; whoever finds it unused later starts its idle time then. So a
 * room ends at least its idle time after its last connection, and at most one check later. Times are ms since 1970.
 */
export class Lease {
  readonly #kv: KeyValueStore;
  /** How long the room may be idle; null: for ever. */
  #idleMs: number | null;
  /** Since when nobody is there; null: somebody is, or was when the room was last in memory. */
  #idleSince: number | null;
  #stored: number | null;
  /** "Idle" is written one check after the write before, so that one who comes and goes costs two rows a check, not two each time. */
  #writtenAt = Number.NEGATIVE_INFINITY;
  #checkAt = Number.NEGATIVE_INFINITY;

  constructor(kv: KeyValueStore, idleSeconds: number | null) {
    this.#kv = kv;
    this.#idleMs = msOf(idleSeconds);
    // Without a row, or with one that nobody can read, it may be in use.
    const row = readRow(kv, LEASE, ({ idleSince }) => orNull(number)(idleSince));
    this.#stored = row.is === "read" ? row.value : null;
    this.#idleSince = this.#stored;
  }

  /** Somebody is there, or nobody is. */
  use(now: number, used: boolean): void {
    if (!used) this.#idleSince ??= now;
    else if (this.#idleSince !== null || this.#checkAt === Number.NEGATIVE_INFINITY) this.#renew(now);
  }

  /** The owner said how long, at creation or later: the idle time begins anew. */
  restart(now: number, used: boolean, idleSeconds: number | null): void {
    this.#idleMs = msOf(idleSeconds);
    this.#writtenAt = Number.NEGATIVE_INFINITY;
    this.#idleSince = null;
    this.#checkAt = Number.NEGATIVE_INFINITY;
    this.use(now, used);
  }

  /** Is there something to write now? */
  isUnsaved(now: number): boolean {
    if (this.#wanted === this.#stored) return false;
    return this.#wanted === null || now >= this.#writtenAt + this.#checkMs;
  }

  /** Writes what is to be written; throws where storage does, and may be called again then. */
  save(now: number): void {
    if (!this.isUnsaved(now)) return;
    this.#writtenAt = now;
    writeRow(this.#kv, LEASE, { idleSince: this.#wanted });
    this.#stored = this.#wanted;
  }

  /** When somebody is to look again, asleep or not; undefined: never. */
  get dueAt(): number | undefined {
    if (this.#idleMs === null) return undefined;
    if (this.#idleSince === null) return this.#checkAt;
    const end = this.#idleSince + this.#idleMs;
    if (this.#wanted === this.#stored) return end;
    return Math.min(end, Math.max(this.#idleSince, this.#writtenAt + this.#checkMs));
  }

  /** The time has come to look: renews the lease of a room in use. true: it is over. */
  check(now: number, used: boolean): boolean {
    this.use(now, used);
    if (used) this.#renew(now);
    return this.#idleMs !== null && this.#idleSince !== null && now >= this.#idleSince + this.#idleMs;
  }

  #renew(now: number): void {
    this.#idleSince = null;
    this.#checkAt = now + this.#checkMs;
  }

  /** What storage shall say. Of a room that is never idle it says nothing that could be believed later. */
  get #wanted(): number | null {
    return this.#idleMs === null ? null : this.#idleSince;
  }

  get #checkMs(): number {
    return Math.min(LEASE_CHECK_MAX_MS, Math.max(LEASE_CHECK_MIN_MS, (this.#idleMs ?? 0) / 4));
  }
}

function msOf(seconds: number | null): number | null {
  return seconds === null ? null : seconds * 1000;
}
