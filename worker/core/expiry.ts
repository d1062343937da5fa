// When tokens of those who are here run out: to the moment while the room is in memory, on a coarse grid while it sleeps.

/** A sleeping room wakes for expiries at these times only: thousands of short tokens cost one alarm, a row written, in so long. */
const GRID_MS = 10_000;

/** A room in which something happens stays in memory for about so long: a timer of that length costs no sleep. */
const SOON_MS = 10_000;

/** The first expiry of all connections. Times are ms since 1970. */
export class Expiry {
  #first: number | undefined;
  #seenAt = 0;

  /** The first one of all, looked up anew; undefined: there is none. */
  reset(first: number | undefined): void {
    this.#first = first;
  }

  /** One more that has to be heeded. */
  add(at: number): void {
    this.#first = Math.min(this.#first ?? Number.POSITIVE_INFINITY, at);
  }

  /** Has one come? To be asked whenever something happens: that costs nothing, and asks for no timer. */
  isDue(now: number): boolean {
    this.#seenAt = now;
    return this.#first !== undefined && this.#first <= now;
  }

  /** When a timer is wanted: only for what comes soon, so that a room with nothing to do can sleep. */
  get dueAt(): number | undefined {
    return this.#first !== undefined && this.#first - this.#seenAt <= SOON_MS ? this.#first : undefined;
  }

  /** When an alarm is wanted. */
  get alarmAt(): number | undefined {
    return this.#first === undefined ? undefined : Math.ceil(this.#first / GRID_MS) * GRID_MS;
  }
}
