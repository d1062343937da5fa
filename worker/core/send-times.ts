// The send times of a connection's bytes, to a quarter of a second.

/** The distance of two marks: the precision of lateness. */
const MARK_MS = 250;
/** Enough for the longest `lateMs`. Without a free mark, newer bytes count as a little older. */
const MAX_MARKS = 512;

/**
 * Marks: from byte `from` on, bytes were sent at `at` or later. They are numbers in two lists that are written in
 * place, because objects that a thousand connections replace at each send would outlive the young generation.
 */
export class SendTimes {
  readonly #from: number[] = [];
  readonly #at: number[] = [];
  #count = 0;

  /** Notes that the bytes from position `from` on are sent now. */
  add(from: number, now: number): void {
    const count = this.#count;
    if (count === MAX_MARKS || (count > 0 && now - (this.#at[count - 1] ?? 0) < MARK_MS)) return;
    this.#from[count] = from;
    this.#at[count] = now;
    this.#count = count + 1;
  }

  /** All bytes before `index` have got through. */
  dropBefore(index: number): void {
    let stale = 0;
    while (stale + 1 < this.#count && (this.#from[stale + 1] ?? 0) <= index) stale++;
    if (stale === 0) return;
    this.#from.copyWithin(0, stale, this.#count);
    this.#at.copyWithin(0, stale, this.#count);
    this.#count -= stale;
  }

  /** All bytes have got through. */
  clear(): void {
    this.#count = 0;
  }

  /** The earliest send time of byte `index`; undefined: nothing is on its way. */
  of(index: number): number | undefined {
    if (this.#count === 0) return undefined;
    let mark = this.#count - 1;
    while (mark > 0 && (this.#from[mark] ?? 0) > index) mark--;
    return this.#at[mark];
  }
}
