// Decides when a relay pings its parent: each ping waits for the previous pong (C2), so that the parent knows what has
// arrived.
import { LINK_PING_BYTES, LINK_PING_MS } from "./tuning.ts";

/** Times are ms since 1970. */
export class LinkPing {
  #isOut = false;
  #pongAt = Number.NEGATIVE_INFINITY;
  #bytes = 0;
  /** The last pong did not confirm all bytes before its ping; the next one will. */
  #hasMore = false;

  /** Bytes arrived. */
  received(bytes: number): void {
    this.#bytes += bytes;
  }

  /** The pong of the previous ping arrived. */
  pong(now: number): void {
    this.#isOut = false;
    this.#pongAt = now;
  }

  /** When to send a ping; undefined: there is nothing to confirm. */
  get dueAt(): number | undefined {
    if (this.#isOut || (this.#bytes === 0 && !this.#hasMore)) return undefined;
    return this.#bytes >= LINK_PING_BYTES ? 0 : this.#pongAt + LINK_PING_MS;
  }

  /** Returns true if a ping is sent now. */
  take(now: number): boolean {
    if ((this.dueAt ?? Number.POSITIVE_INFINITY) > now) return false;
    this.#isOut = true;
    this.#hasMore = this.#bytes > 0;
    this.#bytes = 0;
    return true;
  }
}
