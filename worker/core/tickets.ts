// Tickets: random ids that stand for a token once, for clients that can send no header.
import { MAX_TICKETS } from "../../protocol/limits.ts";
import type { Grant } from "./authorize.ts";
import type { KeyValueStore } from "./key-value-store.ts";
import { expiryOf } from "./revocations.ts";

interface Ticket {
  readonly grant: Grant;
  /** ms since 1970. */
  readonly expiresAt: number;
}

const PREFIX = "ticket:";

/** The tickets of a room that are not spent yet. Times are ms since 1970. */
export class Tickets {
  readonly #kv: KeyValueStore;
  readonly #open: Map<string, Ticket>;

  constructor(kv: KeyValueStore) {
    this.#kv = kv;
    this.#open = new Map(kv.list<Ticket>({ prefix: PREFIX }));
  }

  /** A ticket that gives `grant` once, within `ttlMs` and the token's life: until when. undefined: there are too many. */
  issue(now: number, id: string, grant: Grant, ttlMs: number): number | undefined {
    this.prune(now);
    if (this.#open.size >= MAX_TICKETS) return undefined;
    const tokenExpiry = grant.who.expiresAt === null ? Number.POSITIVE_INFINITY : expiryOf(grant.who.expiresAt);
    const ticket = { grant, expiresAt: Math.min(now + ttlMs, tokenExpiry) };
    this.#open.set(PREFIX + id, ticket);
    this.#kv.put(PREFIX + id, ticket);
    return ticket.expiresAt;
  }

  /** What the ticket gives. It is spent, whatever comes of it. */
  redeem(now: number, id: string): Grant | undefined {
    const ticket = this.#open.get(PREFIX + id);
    if (ticket === undefined) return undefined;
    this.#forget(PREFIX + id);
    return now < ticket.expiresAt ? ticket.grant : undefined;
  }

  /** When the next one expires. */
  get dueAt(): number | undefined {
    const times = [...this.#open.values()].map(({ expiresAt }) => expiresAt);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** Forgets what has expired. */
  prune(now: number): void {
    for (const [key, { expiresAt }] of this.#open) if (expiresAt <= now) this.#forget(key);
  }

  #forget(key: string): void {
    this.#open.delete(key);
    this.#kv.delete(key);
  }
}
