// Tickets: random ids that stand for a token once, for clients that can send no header. They are kept in memory and nowhere else.
import { MAX_TICKETS, MAX_TICKETS_PER_TOKEN } from "../../protocol/limits.ts";
import { type Grant, grants } from "./authorize.ts";
import { expiryOf } from "./revocations.ts";

interface Ticket {
  readonly grant: Grant;
  /** ms since 1970. */
  readonly expiresAt: number;
}

/**
 * The tickets of a room that are not spent yet. Times are ms since 1970. None of them outlives this process, so none can be shown again
 * to one that knows nothing of the first time; a room does not sleep while it has one (`dueAt`).
 */
export class Tickets {
  readonly #open = new Map<string, Ticket>();
  /** How many there are of each token that has some. */
  readonly #byToken = new Map<string | null, number>();
  /** None expires before. Asked for at each message. */
  #firstExpiry = Number.POSITIVE_INFINITY;

  /** A ticket that gives `grant` once, within `ttlMs` and the life of the token `of`: until when. undefined: there are too many. */
  issue(now: number, id: string, of: Grant, grant: Grant, ttlMs: number): number | undefined {
    this.prune(now);
    if (!this.#hasPlace(of)) return undefined;
    const { jti, expiresAt: exp } = of.who;
    const tokenExpiry = exp === null ? Number.POSITIVE_INFINITY : expiryOf(exp);
    const ticket = { grant, expiresAt: Math.min(now + ttlMs, tokenExpiry) };
    this.#open.set(id, ticket);
    this.#firstExpiry = Math.min(this.#firstExpiry, ticket.expiresAt);
    this.#byToken.set(jti, (this.#byToken.get(jti) ?? 0) + 1);
    return ticket.expiresAt;
  }

  /** What the ticket gives. It is spent, whatever comes of it. */
  redeem(now: number, id: string): Grant | undefined {
    const ticket = this.#open.get(id);
    if (ticket === undefined) return undefined;
    this.#forget(id, ticket);
    return now < ticket.expiresAt ? ticket.grant : undefined;
  }

  /** When the next one may expire. Until then the room has to stay in memory. */
  get dueAt(): number | undefined {
    return this.#open.size === 0 ? undefined : this.#firstExpiry;
  }

  /** Forgets what has expired. */
  prune(now: number): void {
    if (now < this.#firstExpiry) return;
    this.#firstExpiry = Number.POSITIVE_INFINITY;
    for (const [id, ticket] of this.#open) {
      if (ticket.expiresAt <= now) this.#forget(id, ticket);
      else this.#firstExpiry = Math.min(this.#firstExpiry, ticket.expiresAt);
    }
  }

  /** The last places of a room are for its admins; of the others a token has its share, so that none takes all. */
  #hasPlace(of: Grant): boolean {
    if (grants(of, "admin")) return this.#open.size < MAX_TICKETS;
    const own = this.#byToken.get(of.who.jti) ?? 0;
    return own < MAX_TICKETS_PER_TOKEN && this.#open.size < MAX_TICKETS - MAX_TICKETS_PER_TOKEN;
  }

  #forget(id: string, { grant: { who } }: Ticket): void {
    this.#open.delete(id);
    const left = (this.#byToken.get(who.jti) ?? 1) - 1;
    if (left === 0) this.#byToken.delete(who.jti);
    else this.#byToken.set(who.jti, left);
  }
}
