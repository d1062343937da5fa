// Pings of one connection, gated by pongs (rule C2): the room learns from them what has arrived, we that it is there.
import { PING_EVERY_BYTES, PING_EVERY_MS } from "../protocol/limits.ts";
import type { Environment } from "./environment.ts";
import { Timer } from "./timer.ts";

/** Nothing at all heard for so long while a pong is due: the connection is dead. */
export const DEAD_MS = 20_000;

/** What a heartbeat does to its connection. */
export interface Heart {
  ping(): void;
  dead(): void;
}

type State =
  /** The last ping was answered; so many bytes came since. */
  | { readonly at: "resting"; bytes: number }
  /** A ping is due, but the consumer is congested. */
  | { readonly at: "due" }
  /** A ping is on its way; was anything heard since the timer was set? */
  | { readonly at: "asked"; heard: boolean }
  | { readonly at: "stopped" };

/** Pings at once, then `PING_EVERY_MS` or `PING_EVERY_BYTES` after each pong; never while held. */
export class Heartbeat {
  readonly #heart: Heart;
  readonly #timer: Timer;
  #held: boolean;
  #state: State = { at: "due" };

  constructor(environment: Environment, heart: Heart, held: boolean) {
    this.#heart = heart;
    this.#timer = new Timer(environment);
    this.#held = held;
    this.#ping();
  }

  /** Something other than a pong arrived. */
  received(bytes: number): void {
    const state = this.#state;
    if (state.at === "asked") state.heard = true;
    if (state.at !== "resting") return;
    state.bytes += bytes;
    if (state.bytes >= PING_EVERY_BYTES) this.#ping();
  }

  pong(): void {
    if (this.#state.at !== "asked") return;
    this.#state = { at: "resting", bytes: 0 };
    this.#timer.set(PING_EVERY_MS, () => this.#ping());
  }

  /** The consumer is congested: no pings, and no pong is expected, since reading may have stopped. */
  hold(): void {
    this.#held = true;
  }

  /** The consumer goes on. */
  release(): void {
    this.#held = false;
    if (this.#state.at === "due") this.#ping();
    else if (this.#state.at === "asked") this.#expectPong();
  }

  /** Ends it; nothing is left. */
  stop(): void {
    this.#state = { at: "stopped" };
    this.#timer.clear();
  }

  #ping(): void {
    this.#timer.clear();
    if (this.#held) {
      this.#state = { at: "due" };
      return;
    }
    this.#state = { at: "asked", heard: false };
    this.#expectPong();
    this.#heart.ping();
  }

  #expectPong(): void {
    const state = this.#state;
    this.#timer.set(DEAD_MS, () => {
      if (state.at !== "asked") return;
      if (!state.heard && !this.#held) return this.#heart.dead();
      state.heard = false;
      this.#expectPong();
    });
  }
}
