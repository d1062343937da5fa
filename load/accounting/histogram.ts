// Durations of many events in little memory: a count for each range of durations, at most 0.8 % wide.

/** Durations are counted in microseconds: exactly below 256, then in 128 ranges for each power of two. */
const EXACT = 256;
const PER_POWER = 128;
/** All durations above an hour share one range. */
const MOST_MICROSECONDS = 2 ** 32 - 1;
const RANGES = EXACT + 24 * PER_POWER;

/** A histogram as JSON: `[range, count]` for each range that has any. */
export interface HistogramData {
  readonly ranges: readonly (readonly [number, number])[];
  readonly max: number;
}

/** Durations in milliseconds. */
export class Histogram {
  readonly #counts = new Float64Array(RANGES);
  #count = 0;
  #max = 0;

  get count(): number {
    return this.#count;
  }

  /** The longest duration, exactly; NaN if there is none. */
  get max(): number {
    return this.#count === 0 ? Number.NaN : this.#max;
  }

  /** The clocks of two processes differ a little: a negative duration counts as 0. */
  add(ms: number): void {
    const duration = Math.max(0, ms);
    const range = rangeOf(Math.min(MOST_MICROSECONDS, Math.round(duration * 1000)));
    this.#counts[range] = (this.#counts[range] ?? 0) + 1;
    this.#count++;
    this.#max = Math.max(this.#max, duration);
  }

  /** The duration below which the share `q` (0 to 1) of all durations is; NaN if there is none. */
  quantile(q: number): number {
    if (q >= 1 || this.#count === 0) return this.max;
    let left = Math.floor(q * this.#count);
    const range = this.#counts.findIndex((count) => {
      left -= count;
      return left < 0;
    });
    return Math.min(this.#max, middleOf(range) / 1000);
  }

  get data(): HistogramData {
    const ranges = [...this.#counts.entries()].filter(([, count]) => count > 0);
    return { ranges, max: this.#max };
  }

  /** Adds the counts of another histogram. */
  merge({ ranges, max }: HistogramData): void {
    for (const [range, count] of ranges) {
      this.#counts[range] = (this.#counts[range] ?? 0) + count;
      this.#count += count;
    }
    this.#max = Math.max(this.#max, max);
  }
}

function rangeOf(microseconds: number): number {
  if (microseconds < EXACT) return microseconds;
  const power = 24 - Math.clz32(microseconds);
  return EXACT + (power - 1) * PER_POWER + (microseconds >>> power) - PER_POWER;
}

function middleOf(range: number): number {
  if (range < EXACT) return range;
  const power = 1 + Math.floor((range - EXACT) / PER_POWER);
  return (PER_POWER + ((range - EXACT) % PER_POWER) + 0.5) * 2 ** power;
}
