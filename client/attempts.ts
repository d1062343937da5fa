// The attempts of one connection: when to make the next one, and whether to ask why an upgrade failed.
import { failuresAfter, retryDelay } from "./backoff.ts";

/** Long enough for a room of half a million clients. */
const MAX_SPREAD_MS = 10 * 60_000;
const ASK_AFTER = 4;

/** The attempts of one connection, across its reconnects. */
export class Attempts {
  readonly #hasNewTokens: boolean;
  readonly #random: () => number;
  /** Failures of any kind in a row. They determine the next delay. */
  #failures = 0;
  /** Upgrades that failed since a connection was last open. */
  #failedUpgrades = 0;
  /** After this number of failed upgrades, it is worth asking for the reason. */
  #askAt = 1;
  #spreadMs = 0;

  /** `hasNewTokens`: each attempt may have another token. `random` returns values in [0, 1). */
  constructor(hasNewTokens: boolean, random: () => number) {
    this.#hasNewTokens = hasNewTokens;
    this.#random = random;
  }

  opened(): void {
    this.#failedUpgrades = 0;
    this.#askLater();
  }

  /** This connection is one of many. Their retries spread over `ms`. The newest value applies. */
  spreadOver(ms: number): void {
    this.#spreadMs = Math.min(ms, MAX_SPREAD_MS);
  }

  /** An open connection ended. `name` is the name of its close. */
  lost(name: string, uptimeMs: number): void {
    this.#failures = failuresAfter(this.#failures, uptimeMs);
    if (name === "token_expired" && !this.#hasNewTokens) this.#askAt = 1;
  }

  /**
   * An upgrade failed. Returns true if a second request that asks for the reason is worth it. The answer helps only if
   * it is final. A token that was valid a moment ago most likely still is: usually the room is busy or restarting, or
   * the network is down, and thousands of clients that ask make it worse. So a client asks at the first failure only if
   * the room has never accepted one of its tokens, or has ended the only token that it has. Otherwise it asks after
   * four to seven failures in a row, at random, so that clients that lost the room together do not ask together.
   */
  upgradeFailed(): boolean {
    this.#failedUpgrades++;
    if (this.#failedUpgrades < this.#askAt) return false;
    this.#askLater();
    return true;
  }

  /** Returns the milliseconds until the next attempt, at least `afterMs`, and counts one more failure. */
  delayMs(afterMs: number): number {
    return retryDelay({ failures: this.#failures++, afterMs, spreadMs: this.#spreadMs, random: this.#random() });
  }

  #askLater(): void {
    this.#askAt = this.#failedUpgrades + ASK_AFTER + Math.floor(this.#random() * ASK_AFTER);
  }
}
