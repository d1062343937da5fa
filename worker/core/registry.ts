// Who is in the room: one record of every connection, its part, and those that are closing but still hold memory.
import type { CloseReason } from "../../protocol/close.ts";
import type { ByteBudget } from "./byte-budget.ts";
import type { Connection } from "./connection.ts";
import type { Count } from "./occupancy.ts";
import { Polling } from "./polling.ts";
import type { Publisher } from "./publisher.ts";
import { expiryOf } from "./revocations.ts";
import type { Subscriber } from "./subscriber.ts";

/** A connection with the part that it plays. */
export type Member = Subscriber | Publisher;

const CLOSING_POLL_MS = { least: 20, most: 1000 };

/** The connections of a room by their ids, which the room minted. */
export class Registry {
  readonly budget: ByteBudget;
  readonly subscribers = new Map<string, Subscriber>();
  readonly publishers = new Map<string, Publisher>();
  /** All of them, in the order in which they came. */
  readonly #members = new Map<string, Member>();
  /** Closed, with something queued that stays in memory until it has drained or the peer is gone. */
  readonly #closing = new Polling<Connection>(CLOSING_POLL_MS);

  constructor(budget: ByteBudget) {
    this.budget = budget;
  }

  get isEmpty(): boolean {
    return this.#members.size === 0;
  }

  get count(): Count {
    return { subscribers: this.subscribers.size, publishers: this.publishers.size };
  }

  addSubscriber(subscriber: Subscriber): void {
    this.subscribers.set(subscriber.id, subscriber);
    this.#members.set(subscriber.id, subscriber);
  }

  addPublisher(publisher: Publisher): void {
    this.publishers.set(publisher.id, publisher);
    this.#members.set(publisher.id, publisher);
  }

  find(id: string): Member | undefined {
    return this.#members.get(id);
  }

  [Symbol.iterator](): Iterator<Member> {
    return this.#members.values();
  }

  /** Every member's connection. */
  get connections(): Iterable<Connection> {
    return connectionsOf(this.#members.values());
  }

  /** How many `reliable` subscribers are there. */
  countReliable(): number {
    let count = 0;
    for (const { isReliable } of this.subscribers.values()) if (isReliable) count++;
    return count;
  }

  /** It takes no part any more. What is queued for it counts until it has drained, or its peer is gone. */
  close(now: number, connection: Connection, reason: CloseReason, text: string): void {
    this.#remove(connection);
    connection.close(reason, text);
    if (connection.queuedBytes > 0) this.#closing.add(connection, now);
  }

  /** Its peer is gone; `drops`: what was queued is gone too. Else the peer only sends nothing more. Returns the part that it had. */
  left(now: number, id: string, drops: boolean): Member | undefined {
    const member = this.find(id);
    const connection = member?.connection ?? [...this.#closing].find((one) => one.id === id);
    if (connection === undefined) return undefined;
    this.#remove(connection);
    if (drops) {
      this.#closing.delete(connection);
      connection.gone();
    } else {
      connection.measure();
      if (connection.queuedBytes > 0) this.#closing.add(connection, now);
    }
    return member;
  }

  /** When `tick` is wanted; undefined: nobody is closing. */
  get dueAt(): number | undefined {
    return this.#closing.dueAt;
  }

  /** Looks at those who are closing. */
  tick(now: number): void {
    if (!this.#closing.isDue(now)) return;
    for (const connection of [...this.#closing]) {
      connection.measure();
      if (connection.queuedBytes === 0) this.#closing.delete(connection);
    }
    this.#closing.polled(now, false);
  }

  /** When the first token of those who are here ceases to count, ms since 1970; undefined: none does. */
  get expiresAt(): number | undefined {
    let first: number | undefined;
    for (const { who } of this.connections) {
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

  #remove({ id }: Connection): void {
    this.#members.delete(id);
    this.subscribers.delete(id);
    this.publishers.delete(id);
  }
}

function identityOf({ connection: { id, who } }: Member) {
  return { connection: id, subject: who.subject ?? null, label: who.label ?? null };
}

function* connectionsOf(members: Iterable<Member>): Generator<Connection> {
  for (const { connection } of members) yield connection;
}
