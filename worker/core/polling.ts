// Those who wait for something that sends no word: looked at again after a while, less and less often where nothing came of it.

/** The times between two looks, ms. */
export interface Pace {
  readonly least: number;
  readonly most: number;
}

/** Those who wait, in the order in which they began to. Times are ms since 1970. */
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

  /** One begins to wait, behind all others; who waits already keeps its place. */
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

  /** When to look again; undefined: nobody waits. */
  get dueAt(): number | undefined {
    return this.#waiting.size === 0 ? undefined : this.#polledAt + this.#delay;
  }

  isDue(now: number): boolean {
    return (this.dueAt ?? Number.POSITIVE_INFINITY) <= now;
  }

  /** Everybody was looked at; `progress`: something came of it. */
  polled(now: number, progress: boolean): void {
    this.#delay = progress ? this.#pace.least : Math.min(this.#delay * 2, this.#pace.most);
    this.#polledAt = now;
  }
}
