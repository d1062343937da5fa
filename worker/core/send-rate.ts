// The sends per second that a subscriber of this room costs: measured while the source runs, assumed before.
import { ASSUMED_SENDS, type Load } from "./growth-limits.ts";

/** A heavier stream is noticed within seconds, a lighter one within a minute: a pause is not a lighter stream. */
const RISE_MS = 3000;
const FALL_MS = 20_000;

/** Learned from the objects' reports. */
export class SendRate {
  #perSubscriber = ASSUMED_SENDS;
  #at: number | undefined;

  /**
   * `receivers`: subscribers and links that got sends. Those that left a moment ago count, because the figure still
   * includes their sends. `now`: ms since 1970.
   */
  learn(now: number, { sendsPerSecond }: Load, receivers: number): void {
    if (receivers === 0 || sendsPerSecond === 0) return;
    const seen = sendsPerSecond / receivers;
    const passed = now - (this.#at ?? now - RISE_MS / 10);
    const slowness = seen > this.#perSubscriber ? RISE_MS : FALL_MS;
    this.#perSubscriber += (seen - this.#perSubscriber) * (1 - Math.exp(-Math.max(0, passed) / slowness));
    this.#at = now;
  }

  /** True if a stream has shown its cost. */
  get isMeasured(): boolean {
    return this.#at !== undefined;
  }

  get perSubscriber(): number {
    return this.#perSubscriber;
  }
}
