// The time of the next attempt after a failure: random, within bounds that double with each failure.

/** Times are ms since 1970. */
export class Retry {
  readonly #firstMs: number;
  readonly #mostMs: number;
  #failures = 0;
  #at: number | undefined;

  /** The first delay is at most `firstMs`; no delay is longer than `mostMs`. */
  constructor(firstMs: number, mostMs: number) {
    this.#firstMs = firstMs;
    this.#mostMs = mostMs;
  }

  /** The number of failures in a row. */
  get failures(): number {
    return this.#failures;
  }

  /** When to try again; undefined: nothing failed. */
  get at(): number | undefined {
    return this.#at;
  }

  /** `random`: at least 0 and below 1. */
  failed(now: number, random: number): void {
    const most = Math.min(this.#mostMs, this.#firstMs * 2 ** this.#failures++);
    this.#at = now + Math.ceil(random * most) + 1;
  }

  succeeded(): void {
    this.#failures = 0;
    this.#at = undefined;
  }
}
