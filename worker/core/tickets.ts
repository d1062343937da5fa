// Tickets: random ids that replace a token once, for clients that cannot set a header.
import { MAX_TICKETS, MAX_TICKETS_PER_TOKEN } from "../../protocol/limits.ts";
import { type Grant, grants } from "./authorize.ts";
import type { KeyValueStore } from "./key-value-store.ts";
import { expiryOf } from "./revocations.ts";

interface Ticket {
  readonly grant: Grant;
  /** ms since 1970. */
  readonly expiresAt: number;
}

const PREFIX = "ticket:";

/**
 * The unused tickets of a room. Times are ms since 1970. They are in memory, and are rows only if the room may sleep
 * before they are used. A ticket never works twice: if its use is forgotten, so is the ticket, or its row was deleted
 * first.
 */
export class Tickets {
  readonly #kv: KeyValueStore;
  readonly #open: Map<string, Ticket>;
  /** Keys of tickets that are rows. */
  readonly #rows: Set<string>;

  constructor(kv: KeyValueStore) {
    this.#kv = kv;
    this.#open = new Map(kv.list<Ticket>({ prefix: PREFIX }));
    this.#rows = new Set(this.#open.keys());
  }

  /**
   * Issues a ticket that gives `grant` once, within `ttlMs` and the lifetime of the token `of`. Returns its expiry;
   * undefined: there are too many tickets. `mayForget`: the room is busy, so it does not sleep, and no row should delay
   * it.
   */
  issue(now: number, id: string, of: Grant, grant: Grant, ttlMs: number, mayForget: boolean): number | undefined {
    this.prune(now);
    if (!this.#hasPlace(of)) return undefined;
    const tokenExpiry = of.who.expiresAt === null ? Number.POSITIVE_INFINITY : expiryOf(of.who.expiresAt);
    const ticket = { grant, expiresAt: Math.min(now + ttlMs, tokenExpiry) };
    const key = PREFIX + id;
    if (!mayForget) {
      this.#kv.put(key, ticket);
      this.#rows.add(key);
    }
    this.#open.set(key, ticket);
    return ticket.expiresAt;
  }

  /** The grant of the ticket, which is used up in any case. */
  redeem(now: number, id: string): Grant | undefined {
    const ticket = this.#open.get(PREFIX + id);
    if (ticket === undefined) return undefined;
    this.#forget(PREFIX + id);
    return now < ticket.expiresAt ? ticket.grant : undefined;
  }

  /** Deletes expired tickets. */
  prune(now: number): void {
    for (const [key, { expiresAt }] of this.#open) if (expiresAt <= now) this.#forget(key);
  }

  /** The last tickets of a room are for its admins. Other tokens have a share each, so that none takes all. */
  #hasPlace(of: Grant): boolean {
    if (grants(of, "admin")) return this.#open.size < MAX_TICKETS;
    let own = 0;
    for (const { grant } of this.#open.values()) if (grant.who.jti === of.who.jti) own++;
    return own < MAX_TICKETS_PER_TOKEN && this.#open.size < MAX_TICKETS - MAX_TICKETS_PER_TOKEN;
  }

  #forget(key: string): void {
    this.#open.delete(key);
    if (this.#rows.delete(key)) this.#kv.delete(key);
  }
}
