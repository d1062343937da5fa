// The time of a simulation: planned calls, in steps of ten milliseconds.

const TICK_MS = 10;

/**
 * Runs planned calls in the order of their times; within a tick, in the order of planning. Times are ms from the start.
 */
export class Clock {
  readonly #planned = new Map<number, (() => void)[]>();
  #tick = 0;

  get now(): number {
    return this.#tick * TICK_MS;
  }

  after(ms: number, action: () => void): void {
    const tick = this.#tick + Math.max(1, Math.round(ms / TICK_MS));
    const those = this.#planned.get(tick);
    if (those === undefined) this.#planned.set(tick, [action]);
    else those.push(action);
  }

  runUntil(ms: number): void {
    for (; this.now < ms; this.#tick++) {
      for (const action of this.#planned.get(this.#tick) ?? []) action();
      this.#planned.delete(this.#tick);
    }
  }
}
