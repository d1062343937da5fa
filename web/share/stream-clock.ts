// Maps the times of one source to a clock that all sources share, so that picture and sound stay in step. Pure.

/** If a source's time differs by more than this, it has jumped, and gets a new offset. */
const MAX_DRIFT_US = 300_000;

/** For one source; another source needs another clock. All times are microseconds. */
export class StreamClock {
  #offset: number | undefined;
  #last = Number.NEGATIVE_INFINITY;

  /** The shared time of a unit with the source's `timestamp` that arrived at `now`. It increases with each call. */
  place(timestamp: number, now: number): number {
    if (this.#offset === undefined || Math.abs(timestamp + this.#offset - now) > MAX_DRIFT_US)
      this.#offset = now - timestamp;
    this.#last = Math.max(this.#last + 1, timestamp + this.#offset);
    return this.#last;
  }
}
