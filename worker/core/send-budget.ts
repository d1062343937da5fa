// How often the room sends: at once while it is quiet, gathered where sends per second go over the budget.

/** The budget is counted in slots of this length. */
const SLOT_MS = 100;

/** Decides whether frames leave at once or wait for those that come within the gathering time. */
export class SendBudget {
  readonly #budget: number;
  #slot = 0;
  #sends = 0;

  /** `sendBudget` in sends per second. */
  constructor(sendBudget: number) {
    this.#budget = (sendBudget * SLOT_MS) / 1000;
  }

  /** May `sends` go out now? Counts them if so. ms since 1970. */
  admit(sends: number, now: number): boolean {
    const slot = Math.floor(now / SLOT_MS);
    if (slot !== this.#slot) {
      this.#slot = slot;
      this.#sends = 0;
    }
    if (this.#sends > 0 && this.#sends + sends > this.#budget) return false;
    this.#sends += sends;
    return true;
  }
}
