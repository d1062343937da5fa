// The rate limit binding for platforms without one: it counts in this process.

/** As in wrangler.toml: a limit for a period of seconds. */
export interface RateLimitRule {
  readonly name: string;
  readonly limit: number;
  readonly period: number;
}

/**
 * The number of keys that are counted, about 10 MB. Above it, the oldest period is forgotten, and its key may start
 * again.
 */
const MAX_KEYS = 100_000;

/** Counts in periods that begin with a key's first attempt. */
export class LocalRateLimit {
  readonly #limit: number;
  readonly #periodMs: number;
  readonly #now: () => number;
  /** In the order of their ends, because all have the same length. */
  readonly #periods = new Map<string, { count: number; readonly until: number }>();

  /** `now`: ms since 1970. */
  constructor({ limit, period }: RateLimitRule, now: () => number = Date.now) {
    this.#limit = limit;
    this.#periodMs = period * 1000;
    this.#now = now;
  }

  /** Counts one attempt. `success`: it is within the limit. */
  async limit({ key }: { key: string }): Promise<{ success: boolean }> {
    const now = this.#now();
    for (const [old, { until }] of this.#periods) {
      if (until > now && this.#periods.size <= MAX_KEYS) break;
      this.#periods.delete(old);
    }
    const period = this.#periods.get(key) ?? { count: 0, until: now + this.#periodMs };
    period.count++;
    this.#periods.set(key, period);
    return { success: period.count <= this.#limit };
  }
}
