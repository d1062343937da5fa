// Decides when a publisher that outruns all subscribers has to wait. It waits for a moment; then subscribers skip
// instead.
import type { Tuning } from "./tuning.ts";

/** The state of one track's publisher. `spent`: the moment is over. */
type State = { readonly at: "open" } | { readonly at: "holding"; readonly until: number } | { readonly at: "spent" };

/** Decides whether a publisher that is faster than all of its subscribers waits for the foremost of them. */
export class Backpressure {
  readonly #tuning: Pick<Tuning, "burstBytes" | "holdMs">;
  #state: State = { at: "open" };

  constructor(tuning: Pick<Tuning, "burstBytes" | "holdMs">) {
    this.#tuning = tuning;
  }

  /**
   * The time until which the publisher has to wait (ms since 1970); undefined: it need not. `leastBacklogBytes`: the
   * backlog of the foremost subscriber.
   */
  decide(now: number, leastBacklogBytes: number): number | undefined {
    const { burstBytes, holdMs } = this.#tuning;
    if (leastBacklogBytes <= burstBytes / 2) this.#state = { at: "open" };
    else if (this.#state.at === "open" && leastBacklogBytes > burstBytes) {
      this.#state = { at: "holding", until: now + holdMs };
    } else if (this.#state.at === "holding" && now >= this.#state.until) this.#state = { at: "spent" };
    return this.#state.at === "holding" ? this.#state.until : undefined;
  }
}
