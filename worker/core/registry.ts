// Who is in the room: its subscribers and publishers, counted and told of.

import type { Count } from "./occupancy.ts";
import type { Publisher } from "./publisher.ts";
import { expiryOf } from "./revocations.ts";
import type { Subscriber } from "./subscriber.ts";

export type Connection = Subscriber | Publisher;

/** The connections of a room by their ids, which the room minted. */
export class Registry {
  readonly subscribers = new Map<string, Subscriber>();
  readonly publishers = new Map<string, Publisher>();

  get isEmpty(): boolean {
    return this.subscribers.size + this.publishers.size === 0;
  }

  get count(): Count {
    return { subscribers: this.subscribers.size, publishers: this.publishers.size };
  }

  find(id: string): Connection | undefined {
    return this.publishers.get(id) ?? this.subscribers.get(id);
  }

  *[Symbol.iterator](): Generator<Connection> {
    yield* this.subscribers.values();
    yield* this.publishers.values();
  }

  /** When the first token of those who are here ceases to count, ms since 1970; undefined: none does. */
  get expiresAt(): number | undefined {
    let first: number | undefined;
    for (const { who } of this) {
      if (who.expiresAt !== null) first = Math.min(first ?? Number.POSITIVE_INFINITY, expiryOf(who.expiresAt));
    }
    return first;
  }

  /** Every connection with its figures, publishers first. */
  figures(now: number) {
    const publishers = Array.from(this.publishers.values(), (one) => ({
      ...identityOf(one),
      role: "publish" as const,
      track: one.track.name,
      ...one.figures(),
    }));
    const subscribers = Array.from(this.subscribers.values(), (one) => ({
      ...identityOf(one),
      role: "subscribe" as const,
      delivery: one.subscription.delivery,
      mode: one.subscription.framed ? "framed" : "plain",
      ...one.figures(now),
    }));
    return [...publishers, ...subscribers];
  }
}

function identityOf({ id, who }: Connection) {
  return { connection: id, subject: who.subject ?? null, label: who.label ?? null };
}
