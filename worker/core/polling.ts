// A queue of waiters whose condition sends no event: they are checked repeatedly, less and less often while nothing
// changes.

/** The times between two checks, ms. */
export interface Pace {
  readonly least: number;
  readonly most: number;
}

/** The waiters, in the order of their arrival. Times are ms since 1970. */
export class Polling<T> {
  readonly #pace: Pace;
  readonly #waiting = new Set<T>();
  #delay: number;
  #polledAt = Number.NEGATIVE_INFINITY;

  constructor(pace: Pace) {
    this.#pace = pace;
    this.#delay = pace.least;
  }

  get size(): number {
    return this.#waiting.size;
  }

  has(one: T): boolean {
    return this.#waiting.has(one);
  }

  /** Adds a waiter at the end. A waiter that already waits keeps its place. */
  add(one: T, now: number): void {
    if (this.#waiting.size === 0) this.polled(now, true);
    this.#waiting.add(one);
  }

  delete(one: T): void {
    this.#waiting.delete(one);
  }

  [Symbol.iterator](): Iterator<T> {
    return this.#waiting.values();
  }

  /** When to check again; undefined: there are no waiters. */
  get dueAt(): number | undefined {
    return this.#waiting.size === 0 ? undefined : this.#polledAt + this.#delay;
  }

  isDue(now: number): boolean {
    return (this.dueAt ?? Number.POSITIVE_INFINITY) <= now;
  }

  /** All waiters were checked; `progress`: something changed. */
  polled(now: number, progress: boolean): void {
    this.#delay = progress ? this.#pace.least : Math.min(this.#delay * 2, this.#pace.most);
    this.#polledAt = now;
  }
}
