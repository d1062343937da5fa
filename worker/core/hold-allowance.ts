// How long a `reliable` subscriber may still hold the publisher: time that is used up by holding and comes back slowly.
import type { Tuning } from "./tuning.ts";

/** Of the time in which it does not hold, this part comes back. */
const REFILL = 0.1;

/** The allowance of one subscriber. Times are ms since 1970. */
export class HoldAllowance {
  readonly #tuning: Pick<Tuning, "reliableHoldMs">;
  #usedMs = 0;
  #at: number | undefined;
  #holds = false;
  /** It was used up, and not half of it has come back. */
  #isSpent = false;

  constructor(tuning: Pick<Tuning, "reliableHoldMs">) {
    this.#tuning = tuning;
  }

  /** It holds from `now` on, or does not. Returns false if its time is used up. */
  use(now: number, holds: boolean): boolean {
    const passed = now - (this.#at ?? now);
    this.#usedMs = Math.max(0, this.#usedMs + (this.#holds ? passed : -passed * REFILL));
    this.#at = now;
    const { reliableHoldMs } = this.#tuning;
    this.#isSpent = this.#usedMs >= (this.#isSpent ? reliableHoldMs / 2 : reliableHoldMs);
    this.#holds = holds && !this.#isSpent;
    return !this.#isSpent;
  }

  /** When its time is used up, if it goes on holding. */
  endsAt(now: number): number {
    return now + Math.max(1, this.#tuning.reliableHoldMs - this.#usedMs);
  }
}
