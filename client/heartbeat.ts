// The pings of one connection, gated by pongs (rule C2). They tell the room what has arrived, and tell us that the room
// is alive.
import { PING_EVERY_BYTES, PING_EVERY_MS, PING_IDLE_MS } from "../protocol/limits.ts";
import type { Environment } from "./environment.ts";
import { Timer } from "./timer.ts";

/** If nothing at all arrives for this long while a pong is due, the connection is dead. */
export const DEAD_MS = 20_000;

/** The actions of a heartbeat on its connection. */
export interface Heart {
  ping(): void;
  dead(): void;
}

type State =
  /** The last ping was answered less than `PING_EVERY_MS` ago. `bytes` have arrived since. */
  | { readonly at: "resting"; bytes: number; readonly isUnconfirmed: boolean }
  /** Nothing has arrived since the pong before the last one, so the room knows that everything has arrived. */
  | { readonly at: "idle" }
  /** A ping is due, but the consumer is congested. */
  | { readonly at: "due" }
  /** A ping is on its way. The flags tell whether anything arrived since the last pong, and since the timer was set. */
  | { readonly at: "asked"; isUnconfirmed: boolean; heard: boolean }
  | { readonly at: "stopped" };

/**
 * Pings at once. After each pong, pings again when `PING_EVERY_BYTES` have arrived, or after `PING_EVERY_MS`. A pong
 * confirms the data that arrived before the previous pong. If that was everything, the next ping waits for new data, at
 * most until `PING_IDLE_MS` after the pong. It never pings while held.
 */
export class Heartbeat {
  readonly #heart: Heart;
  readonly #timer: Timer;
  #held: boolean;
  #state: State = { at: "due" };

  constructor(environment: Environment, heart: Heart, held: boolean) {
    this.#heart = heart;
    this.#timer = new Timer(environment);
    this.#held = held;
    this.#ping(false);
  }

  /** Something other than a pong arrived. */
  received(bytes: number): void {
    const state = this.#state;
    switch (state.at) {
      case "asked":
        state.isUnconfirmed = state.heard = true;
        break;
      case "resting":
        state.bytes += bytes;
        if (state.bytes >= PING_EVERY_BYTES) this.#ping(true);
        break;
      case "idle":
        this.#ping(true);
    }
  }

  pong(): void {
    if (this.#state.at !== "asked") return;
    const state: State = { at: "resting", bytes: 0, isUnconfirmed: this.#state.isUnconfirmed };
    this.#state = state;
    this.#timer.set(PING_EVERY_MS, () => {
      if (state.isUnconfirmed || state.bytes > 0) this.#ping(state.bytes > 0);
      else this.#idle();
    });
  }

  /** The consumer is congested: sends no pings and expects no pong, because reading may have stopped. */
  hold(): void {
    this.#held = true;
  }

  /** The consumer continues. */
  release(): void {
    this.#held = false;
    if (this.#state.at === "due") this.#ping(true);
    else if (this.#state.at === "asked") this.#expectPong();
  }

  /** Ends the heartbeat and its timers. */
  stop(): void {
    this.#state = { at: "stopped" };
    this.#timer.clear();
  }

  #idle(): void {
    this.#state = { at: "idle" };
    this.#timer.set(PING_IDLE_MS - PING_EVERY_MS, () => this.#ping(false));
  }

  #ping(isUnconfirmed: boolean): void {
    this.#timer.clear();
    if (this.#held) {
      this.#state = { at: "due" };
      return;
    }
    this.#state = { at: "asked", isUnconfirmed, heard: false };
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
