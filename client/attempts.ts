// What a connection remembers of its attempts: when to make the next one, and whether to ask why an upgrade failed.
import { failuresAfter, retryDelay } from "./backoff.ts";

/** Enough for a room of half a million clients. */
const MAX_SPREAD_MS = 10 * 60_000;
const ASK_AFTER = 4;

/** Of one connection, across its reconnects. */
export class Attempts {
  readonly #hasNewTokens: boolean;
  readonly #random: () => number;
  /** In a row, of whatever kind: they say when to try again. */
  #failures = 0;
  /** Upgrades that failed since a connection was open. */
  #failedUpgrades = 0;
  /** So many failed upgrades are worth a question. */
  #askAt = 1;
  #spreadMs = 0;

  /** `hasNewTokens`: the next attempt may have another token than the one before. `random` gives values in [0, 1). */
  constructor(hasNewTokens: boolean, random: () => number) {
    this.#hasNewTokens = hasNewTokens;
    this.#random = random;
  }

  opened(): void {
    this.#failedUpgrades = 0;
    this.#askLater();
  }

  /** This connection is one of many: over how long all of them spread their retries. The newest value counts. */
  spreadOver(ms: number): void {
    this.#spreadMs = Math.min(ms, MAX_SPREAD_MS);
  }

  /** An open connection ended, with the name of its close. */
  lost(name: string, uptimeMs: number): void {
    this.#failures = failuresAfter(this.#failures, uptimeMs);
    if (name === "token_expired" && !this.#hasNewTokens) this.#askAt = 1;
  }

  /**
   * An upgrade failed. Returns true if a second request that asks why is worth it. The answer helps only where it is
   * final, and a token that was good a moment ago most likely still is: the room is busy or restarts, or the network is
   * down, and thousands of clients that ask make it worse. So a client asks at the first failure only while the room
   * never took a token of it, or ended the only one it has; else after four to seven failures in a row, at random, so
   * that clients that lost the room together do not ask together.
   */
  upgradeFailed(): boolean {
    this.#failedUpgrades++;
    if (this.#failedUpgrades < this.#askAt) return false;
    this.#askLater();
    return true;
  }

  /** Milliseconds until the next attempt, not fewer than `afterMs`. Counts one more failure. */
  delayMs(afterMs: number): number {
    return retryDelay({ failures: this.#failures++, afterMs, spreadMs: this.#spreadMs, random: this.#random() });
  }

  #askLater(): void {
    this.#askAt = this.#failedUpgrades + ASK_AFTER + Math.floor(this.#random() * ASK_AFTER);
  }
}
