// The sequences that never reached a track, with the reason: few, in order, found by binary search.
import type { GapReason } from "../../protocol/control.ts";

/** Sequences `from` to `to` (inclusive) that the track does not have, and why. */
export interface Hole {
  readonly from: number;
  readonly to: number;
  readonly reason: GapReason;
}

/** Holes of one epoch, in the order of the numbering. */
export class Holes {
  #holes: Hole[] = [];

  get count(): number {
    return this.#holes.length;
  }

  /** Adds the newest hole. If it adjoins the previous hole and has the same reason, they become one. */
  add(hole: Hole): void {
    const last = this.#holes.at(-1);
    if (last?.to !== hole.from - 1 || last.reason !== hole.reason) this.#holes.push(hole);
    else this.#holes[this.#holes.length - 1] = { ...hole, from: last.from };
  }

  /** The hole that contains `sequence`. */
  at(sequence: number): Hole | undefined {
    const hole = this.#holes[this.#firstEndingFrom(sequence)];
    return hole !== undefined && hole.from <= sequence ? hole : undefined;
  }

  /** Removes holes that end before `sequence`. */
  dropBelow(sequence: number): void {
    const kept = this.#firstEndingFrom(sequence);
    if (kept > 0) this.#holes = this.#holes.slice(kept);
  }

  /** Removes the oldest hole and returns it. */
  dropOldest(): Hole | undefined {
    return this.#holes.shift();
  }

  #firstEndingFrom(sequence: number): number {
    let low = 0;
    let high = this.#holes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#holes[middle]?.to ?? 0) >= sequence) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
