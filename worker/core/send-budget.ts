// The room's rate of sends: at once below the budget of sends per second, gathered above it.

/** The budget is counted in slots of this length. */
const SLOT_MS = 100;

/** Decides whether frames are sent at once or wait for those that arrive within the gathering time. */
export class SendBudget {
  readonly #budget: number;
  #slot = 0;
  #sends = 0;
  /** Sends of the current second, and of the previous one. */
  readonly #seconds = { at: 0, current: 0, before: 0 };

  /** `sendBudget` in sends per second. */
  constructor(sendBudget: number) {
    this.#budget = (sendBudget * SLOT_MS) / 1000;
  }

  /** Returns true, and counts `sends`, if they may be sent now. ms since 1970. */
  admit(sends: number, now: number): boolean {
    const slot = Math.floor(now / SLOT_MS);
    if (slot !== this.#slot) {
      this.#slot = slot;
      this.#sends = 0;
    }
    if (this.#sends > 0 && this.#sends + sends > this.#budget) return false;
    this.#sends += sends;
    this.count(sends, now);
    return true;
  }

  /** Counts sends of gathered frames. */
  count(sends: number, now: number): void {
    this.#turn(now);
    this.#seconds.current += sends;
  }

  /** The number of sends in the last whole second. */
  perSecond(now: number): number {
    this.#turn(now);
    return this.#seconds.before;
  }

  #turn(now: number): void {
    const second = Math.floor(now / 1000);
    const { at, current } = this.#seconds;
    if (second === at) return;
    Object.assign(this.#seconds, { at: second, current: 0, before: second === at + 1 ? current : 0 });
  }
}
