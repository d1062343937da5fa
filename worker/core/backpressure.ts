// When a publisher has to wait: for `reliable` subscribers as long as it takes, for a burst that outruns everybody a moment.
import type { Tuning } from "./tuning.ts";

/** What the decision depends on. */
export interface Pressure {
  /** The least that is queued in this process for any subscriber that takes part; undefined: nobody does. */
  readonly leastQueuedBytes: number | undefined;
  /** The most that a `reliable` subscriber still has to get from history. */
  readonly backlogBytes: number;
}

/** The state of one track's publisher: `spent` means that the moment is over and subscribers skip instead. */
type State = { readonly at: "open" } | { readonly at: "holding"; readonly since: number } | { readonly at: "spent" };

/** Decides whether the publisher's window is closed. */
export class Backpressure {
  readonly #settings: Tuning;
  #state: State = { at: "open" };

  constructor(settings: Tuning) {
    this.#settings = settings;
  }

  /** Is the publisher to wait? ms since 1970. */
  decide(now: number, pressure: Pressure): boolean {
    const { windowBytes, holdMs, historyBytes } = this.#settings;
    const least = pressure.leastQueuedBytes ?? 0;
    if (least <= windowBytes / 2) this.#state = { at: "open" };
    else if (this.#state.at === "open" && least > windowBytes) this.#state = { at: "holding", since: now };
    else if (this.#state.at === "holding" && now - this.#state.since > holdMs) this.#state = { at: "spent" };
    return this.#state.at === "holding" || pressure.backlogBytes > historyBytes / 2;
  }
}
