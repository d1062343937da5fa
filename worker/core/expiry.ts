// The expiry of connections' tokens: exact while the room is in memory, on a coarse grid while it sleeps.

/**
 * A sleeping room wakes for expiries only at these times: thousands of short tokens cause one alarm, a row written, in
 * each interval.
 */
const GRID_MS = 10_000;

/** A room in which something happens stays in memory for about this long, so a timer of this length costs no sleep. */
const SOON_MS = 10_000;

/** The first expiry of all connections. Times are ms since 1970. */
export class Expiry {
  #first: number | undefined;
  #seenAt = 0;

  /** Sets the first expiry of all; undefined: there is none. */
  reset(first: number | undefined): void {
    this.#first = first;
  }

  /** Adds an expiry. */
  add(at: number): void {
    this.#first = Math.min(this.#first ?? Number.POSITIVE_INFINITY, at);
  }

  /** True if an expiry has come. Call this whenever something happens: it costs nothing, and needs no timer. */
  isDue(now: number): boolean {
    this.#seenAt = now;
    return this.#first !== undefined && this.#first <= now;
  }

  /** When a timer is needed: only for expiries that come soon, so that an idle room can sleep. */
  get dueAt(): number | undefined {
    return this.#first !== undefined && this.#first - this.#seenAt <= SOON_MS ? this.#first : undefined;
  }

  /** When an alarm is needed. */
  get alarmAt(): number | undefined {
    return this.#first === undefined ? undefined : Math.ceil(this.#first / GRID_MS) * GRID_MS;
  }
}
