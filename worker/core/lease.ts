// The time that a room may stay empty: a lease that connections renew, and that survives sleep and crashes.
import { number, orNull } from "./checked.ts";
import type { KeyValueStore } from "./key-value-store.ts";
import { readRow, writeRow } from "./stored-row.ts";
import { LEASE_CHECK_MAX_MS, LEASE_CHECK_MIN_MS } from "./tuning.ts";

const LEASE = "lease";

/**
 * The lease of a room. Only connections matter: a refused request neither renews nor ends it. The room stores that it
 * is in use before anything can kill it, and an alarm checks it. If a later check finds it unused, the idle time starts
 * then. So a room ends at the earliest its idle time after its last connection, and at most one check later. Times are
 * ms since 1970.
 */
export class Lease {
  readonly #kv: KeyValueStore;
  /** How long the room may be idle; null: without limit. */
  #idleMs: number | null;
  /** Since when nobody is connected; null: somebody is, or was when the room was last in memory. */
  #idleSince: number | null;
  #stored: number | null;
  /**
   * "Idle" is written one check after the previous write, so that a client that comes and goes costs two rows a check,
   * not two each time.
   */
  #writtenAt = Number.NEGATIVE_INFINITY;
  #checkAt = Number.NEGATIVE_INFINITY;

  constructor(kv: KeyValueStore, idleSeconds: number | null) {
    this.#kv = kv;
    this.#idleMs = msOf(idleSeconds);
    // If the row is missing or unreadable, the room may be in use.
    const row = readRow(kv, LEASE, ({ idleSince }) => orNull(number)(idleSince));
    this.#stored = row.is === "read" ? row.value : null;
    this.#idleSince = this.#stored;
  }

  /** Notes whether somebody is connected. */
  use(now: number, used: boolean): void {
    if (!used) this.#idleSince ??= now;
    else if (this.#idleSince !== null || this.#checkAt === Number.NEGATIVE_INFINITY) this.#renew(now);
  }

  /** The owner set the time, at creation or later: the idle time begins again. */
  restart(now: number, used: boolean, idleSeconds: number | null): void {
    this.#idleMs = msOf(idleSeconds);
    this.#writtenAt = Number.NEGATIVE_INFINITY;
    this.#idleSince = null;
    this.#checkAt = Number.NEGATIVE_INFINITY;
    this.use(now, used);
  }

  /** True if there is something to write. */
  isUnsaved(now: number): boolean {
    if (this.#wanted === this.#stored) return false;
    return this.#wanted === null || now >= this.#writtenAt + this.#checkMs;
  }

  /** Writes pending changes. Throws if storage does; it may then be called again. */
  save(now: number): void {
    if (!this.isUnsaved(now)) return;
    this.#writtenAt = now;
    writeRow(this.#kv, LEASE, { idleSince: this.#wanted });
    this.#stored = this.#wanted;
  }

  /** When the lease has to be checked, asleep or not; undefined: never. */
  get dueAt(): number | undefined {
    if (this.#idleMs === null) return undefined;
    if (this.#idleSince === null) return this.#checkAt;
    const end = this.#idleSince + this.#idleMs;
    if (this.#wanted === this.#stored) return end;
    return Math.min(end, Math.max(this.#idleSince, this.#writtenAt + this.#checkMs));
  }

  /** A check: renews the lease of a room in use. Returns true if it is over. */
  check(now: number, used: boolean): boolean {
    this.use(now, used);
    if (used) this.#renew(now);
    return this.#idleMs !== null && this.#idleSince !== null && now >= this.#idleSince + this.#idleMs;
  }

  #renew(now: number): void {
    this.#idleSince = null;
    this.#checkAt = now + this.#checkMs;
  }

  /** The value to store. For a room that is never idle, storage has no value that could be mistaken later. */
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
