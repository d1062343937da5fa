// The number of newcomers in the last minute, and their rate. Growth uses them to look ahead.

const SLOT_MS = 500;
const SLOTS = 128;

/** Newcomers count as one storm while no pause between them is longer than this. */
const PAUSE_MS = 1500;

/** Counts newcomers in slots of half a second. Times are ms since 1970. */
export class Newcomers {
  readonly #slots = new Float64Array(SLOTS);
  #slot = 0;
  #since = Number.NEGATIVE_INFINITY;
  #lastAt = Number.NEGATIVE_INFINITY;

  add(now: number, count: number): void {
    if (count <= 0) return;
    this.#turn(now);
    const slot = this.#slot % SLOTS;
    this.#slots[slot] = (this.#slots[slot] ?? 0) + count;
    if (now - this.#lastAt > PAUSE_MS) this.#since = now;
    this.#lastAt = now;
  }

  /** Newcomers of the last `ms`, to the precision of a slot; at most a minute. */
  count(now: number, ms: number): number {
    this.#turn(now);
    const slots = Math.min(SLOTS, Math.ceil(ms / SLOT_MS) + 1);
    let sum = 0;
    for (let back = 0; back < slots; back++) sum += this.#at(back);
    return sum;
  }

  /** Newcomers per second, over the last one to one and a half seconds. */
  rate(now: number): number {
    const counted = this.count(now, 2 * SLOT_MS);
    return (counted * 1000) / (2 * SLOT_MS + (now % SLOT_MS));
  }

  /** The ms for which newcomers have been arriving without a pause. */
  lastedMs(now: number): number {
    return now - this.#lastAt > PAUSE_MS ? 0 : Math.max(0, this.#lastAt - this.#since);
  }

  #at(back: number): number {
    return back > this.#slot ? 0 : (this.#slots[(this.#slot - back) % SLOTS] ?? 0);
  }

  /** Clears the slots that have passed. */
  #turn(now: number): void {
    const slot = Math.floor(now / SLOT_MS);
    if (slot <= this.#slot) return;
    const passed = Math.min(SLOTS, slot - this.#slot);
    for (let step = 1; step <= passed; step++) this.#slots[(slot - passed + step) % SLOTS] = 0;
    this.#slot = slot;
  }
}
