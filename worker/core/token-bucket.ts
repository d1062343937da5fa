// A token bucket: a rate per second, and a burst.

/**
 * A charge above the available amount makes a debt, and nothing more is granted until it is paid: large costs need no
 * large burst.
 */
export class TokenBucket {
  readonly #perSecond: number;
  readonly #burst: number;
  #level: number;
  #at = Number.NEGATIVE_INFINITY;

  constructor(perSecond: number, burst: number) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#level = burst;
  }

  /** Takes `cost` unless the bucket is empty. Returns true if it did. */
  take(cost: number, now: number): boolean {
    if (this.isEmpty(now)) return false;
    this.#level -= cost;
    return true;
  }

  /** Takes `cost` in any case. */
  charge(cost: number, now: number): void {
    this.#refill(now);
    this.#level -= cost;
  }

  isEmpty(now: number): boolean {
    this.#refill(now);
    return this.#level <= 0;
  }

  /** When the bucket is no longer empty, ms since 1970. */
  refilledAt(now: number): number {
    this.#refill(now);
    return this.#level > 0 ? now : now + Math.ceil((-this.#level * 1000) / this.#perSecond) + 1;
  }

  #refill(now: number): void {
    const passed = Math.max(0, now - this.#at);
    if (passed > 0) this.#level = Math.min(this.#burst, this.#level + (passed * this.#perSecond) / 1000);
    this.#at = Math.max(now, this.#at);
  }
}
