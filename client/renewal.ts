// Renews the token of an open connection before it expires, so that the connection outlives it.

import { retryDelay } from "./backoff.ts";
import type { ConnectionOptions } from "./connection-options.ts";
import { RefusedError } from "./refused-error.ts";
import { retryAfterMs } from "./retry-after.ts";
import { connectionTokenUrl } from "./room-urls.ts";
import { Timer } from "./timer.ts";
import { lifeOf, renewAt, type TokenLife } from "./token-life.ts";

/** The source of new tokens, and their connection. */
export interface RenewalOptions extends ConnectionOptions {
  readonly token: () => Promise<string>;
}

type State =
  | { readonly at: "resting" }
  /** Fetching a new token, or sending it to the room. */
  | { readonly at: "renewing" }
  | { readonly at: "stopped" };

/** `accepted`: the room has the new token. `failed`: another attempt may help. `refused`: it cannot. */
type Outcome =
  | { readonly is: "accepted"; readonly life: TokenLife | undefined }
  | { readonly is: "failed"; readonly afterMs: number }
  | { readonly is: "refused" };

const FAILED: Outcome = { is: "failed", afterMs: 0 };
const REFUSED: Outcome = { is: "refused" };
const ATTEMPT_MS = 10_000;
/** The longest timer: platforms allow at most 2^31 ms, and timers stop while a machine sleeps. */
const STEP_MS = 3_600_000;

/**
 * The renewal of one connection, beginning with the token that opened it. If a renewal fails, it is tried again until
 * the token expires. If it is refused, it is not: the room then closes the connection, and the next attempt gets the
 * reason.
 */
export class Renewal {
  readonly #options: RenewalOptions;
  readonly #timer: Timer;
  #life: TokenLife | undefined;
  #state: State = { at: "resting" };
  #address = "";
  /** The room's clock minus ours: tokens expire by the room's clock. */
  #aheadMs = 0;
  #failures = 0;

  constructor(options: RenewalOptions, token: string) {
    this.#options = options;
    this.#timer = new Timer(options.environment);
    this.#life = lifeOf(token);
  }

  /** The room sent the id of this connection, and its time. */
  welcome(connection: string, now: number): void {
    if (this.#state.at !== "resting") return;
    this.#address = connectionTokenUrl(this.#options.url, this.#options.room, connection);
    this.#aheadMs = now - this.#options.environment.now();
    this.#plan();
  }

  /** Ends the renewal and its timer. */
  stop(): void {
    this.#state = { at: "stopped" };
    this.#timer.clear();
  }

  get #now(): number {
    return this.#options.environment.now() + this.#aheadMs;
  }

  #plan(): void {
    if (this.#life === undefined) return;
    this.#waitUntil(renewAt(this.#life, this.#now, this.#options.environment.random()));
  }

  /** If that is too late, the room closes the connection first. */
  #waitUntil(at: number): void {
    if (this.#life === undefined || at >= this.#life.expiresAt) return;
    const ms = at - this.#now;
    if (ms > STEP_MS) this.#timer.set(STEP_MS, () => this.#waitUntil(at));
    else this.#timer.set(Math.max(0, ms), () => void this.#renew());
  }

  async #renew(): Promise<void> {
    const state: State = { at: "renewing" };
    this.#state = state;
    this.#timer.set(ATTEMPT_MS, () => this.#ended(FAILED));
    const outcome = await this.#attempt(state);
    if (this.#state === state) this.#ended(outcome);
  }

  async #attempt(state: State): Promise<Outcome> {
    try {
      const token = await this.#options.token();
      const life = lifeOf(token);
      const isNewer = life === undefined || life.expiresAt > (this.#life?.expiresAt ?? 0);
      if (this.#state !== state || !isNewer) return FAILED;
      return await this.#show(token, life);
    } catch (error) {
      return error instanceof RefusedError ? REFUSED : FAILED;
    }
  }

  async #show(token: string, life: TokenLife | undefined): Promise<Outcome> {
    const { environment } = this.#options;
    const headers = { authorization: `Bearer ${token}` };
    const answer = await environment.fetch?.(this.#address, { method: "POST", headers });
    if (answer === undefined) return REFUSED;
    if (answer.status >= 200 && answer.status < 300) return { is: "accepted", life };
    if (answer.status < 500 && answer.status !== 429) return REFUSED;
    return { is: "failed", afterMs: retryAfterMs(answer.headers?.get("retry-after"), environment.now()) };
  }

  #ended(outcome: Outcome): void {
    this.#state = { at: "resting" };
    this.#timer.clear();
    if (outcome.is === "failed") return this.#again(outcome.afterMs);
    this.#failures = 0;
    this.#life = outcome.is === "accepted" ? outcome.life : undefined;
    this.#plan();
  }

  /** Tries again with backoff, and no more often than the token's remaining life requires. */
  #again(afterMs: number): void {
    const random = this.#options.environment.random();
    const leftMs = (this.#life?.expiresAt ?? 0) - this.#now;
    const delay = retryDelay({ failures: this.#failures++, afterMs, spreadMs: 0, random });
    this.#waitUntil(this.#now + Math.max(delay, (random * leftMs) / 10));
  }
}
