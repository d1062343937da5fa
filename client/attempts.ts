// What a connection remembers of its attempts: when to make the next one, and whether to ask why an upgrade failed.
import { failuresAfter, retryDelay } from "./backoff.ts";

/** Enough for a room of half a million clients. */
const MAX_SPREAD_MS = 10 * 60_000;
const ASK_EVERY = 4;

/** Of one connection, across its reconnects. */
export class Attempts {
  readonly #hasNewTokens: boolean;
  /** In a row, of whatever kind: they say when to try again. */
  #failures = 0;
  /** Upgrades that failed since a connection was open. */
  #failedUpgrades = 0;
  /** The room took our token, and has not said since that it expired. */
  #isProven = false;
  #spreadMs = 0;

  /** `hasNewTokens`: the next attempt may have another token than the one before. */
  constructor(hasNewTokens: boolean) {
    this.#hasNewTokens = hasNewTokens;
  }

  opened(): void {
    this.#failedUpgrades = 0;
    this.#isProven = true;
  }

  /** This connection is one of many: over how long all of them spread their retries. The newest value counts. */
  spreadOver(ms: number): void {
    this.#spreadMs = Math.min(ms, MAX_SPREAD_MS);
  }

  /** An open connection ended, with the name of its close. */
  lost(name: string, uptimeMs: number): void {
    this.#failures = failuresAfter(this.#failures, uptimeMs);
    if (name === "token_expired" && !this.#hasNewTokens) this.#isProven = false;
  }

  /**
   * An upgrade failed. Returns true if a second request that asks why is worth it. The answer helps only where it is
   * final, and a token that was good a moment ago most likely still is: the room is busy or restarts, or the network is
   * down, and thousands of clients that ask make it worse. So a client asks at the first failure only while the room
   * never took a token of it, or ended the only one it has; else at every fourth failure in a row.
   */
  upgradeFailed(): boolean {
    this.#failedUpgrades++;
    return (this.#failedUpgrades === 1 && !this.#isProven) || this.#failedUpgrades % ASK_EVERY === 0;
  }

  /** Milliseconds until the next attempt, not fewer than `afterMs`; `random` in [0, 1). Counts one more failure. */
  delayMs(afterMs: number, random: number): number {
    return retryDelay({ failures: this.#failures++, afterMs, spreadMs: this.#spreadMs, random });
  }
}
