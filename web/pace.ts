// Recorded frames at their original pace: they are fetched as fast as possible, and shown as they were published.

/** The player gets frames this much ahead of time, which covers the download of a segment. */
const AHEAD_MS = 1500;
/** A larger difference between two times is a break: nothing was published in between. */
const MAX_PAUSE_MS = 10_000;

/** Holds frames back until they are due. Times are ms; `sleep` waits for that time. */
export class Pace {
  readonly #now: () => number;
  readonly #sleep: (ms: number) => Promise<void>;
  /** The time at which a frame with the publisher's time 0 would be due. */
  #zero: number | undefined;
  #before = 0;

  constructor(now: () => number, sleep: (ms: number) => Promise<void>) {
    this.#now = now;
    this.#sleep = sleep;
  }

  /** Resolves when a frame with this publisher's time is due. */
  async due(timestamp: number): Promise<void> {
    const jumps = Math.abs(timestamp - this.#before) > MAX_PAUSE_MS;
    this.#before = timestamp;
    if (this.#zero === undefined || jumps) this.#zero = this.#now() - timestamp;
    const waitMs = this.#zero + timestamp - AHEAD_MS - this.#now();
    if (waitMs > 0) await this.#sleep(waitMs);
  }
}
