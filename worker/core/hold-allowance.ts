// The time for which a `reliable` subscriber may still hold the publisher: holding uses it up, and it returns slowly.
import type { Tuning } from "./tuning.ts";

/** The part of the time without holding that is returned. */
const REFILL = 0.1;

/** The allowance of one subscriber. Times are ms since 1970. */
export class HoldAllowance {
  readonly #tuning: Pick<Tuning, "reliableHoldMs">;
  #usedMs = 0;
  #at: number | undefined;
  #holds = false;
  /** The allowance was used up, and less than half of it has returned. */
  #isSpent = false;

  constructor(tuning: Pick<Tuning, "reliableHoldMs">) {
    this.#tuning = tuning;
  }

  /** Notes whether it holds from `now` on. Returns false if its time is used up. */
  use(now: number, holds: boolean): boolean {
    const passed = now - (this.#at ?? now);
    this.#usedMs = Math.max(0, this.#usedMs + (this.#holds ? passed : -passed * REFILL));
    this.#at = now;
    const { reliableHoldMs } = this.#tuning;
    this.#isSpent = this.#usedMs >= (this.#isSpent ? reliableHoldMs / 2 : reliableHoldMs);
    this.#holds = holds && !this.#isSpent;
    return !this.#isSpent;
  }

  /** When its time is used up, if it continues to hold. */
  endsAt(now: number): number {
    return now + Math.max(1, this.#tuning.reliableHoldMs - this.#usedMs);
  }
}
