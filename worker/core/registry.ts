// The connections of a room: one record of each, with its role, and of closing connections that still hold memory.
import type { CloseReason } from "../../protocol/close.ts";
import type { MemberInfo } from "../../protocol/messages.ts";
import type { Delivery } from "./attachment.ts";
import type { ByteBudget } from "./byte-budget.ts";
import type { Connection } from "./connection.ts";
import type { Count } from "./occupancy.ts";
import { Polling } from "./polling.ts";
import type { Publisher, PublisherFigures } from "./publisher.ts";
import { expiryOf } from "./revocations.ts";
import type { Subscriber, SubscriberFigures } from "./subscriber.ts";

/** A connection with its role. */
export type Member = Subscriber | Publisher;

const CLOSING_POLL_MS = { least: 20, most: 1000 };

/** The connections of a room by their ids, which the room assigned. */
export class Registry {
  readonly budget: ByteBudget;
  readonly subscribers = new Map<string, Subscriber>();
  readonly publishers = new Map<string, Publisher>();
  /** Links to relays: each gets the same data as a subscriber, but does not count as one. */
  readonly links = new Map<string, Subscriber>();
  /** The occupancy of the room's other objects. */
  elsewhere: Count = { subscribers: 0, publishers: 0 };
  presentElsewhere: readonly MemberInfo[] = [];
  /** The number of joins and leaves of members. */
  changes = 0;
  /** The number of reports to all listeners: a missing link has missed them. */
  tellings = 0;
  /** True if the room has other objects. */
  isSpread = false;
  /** The number of connections that the object has ended while in memory, by the names of their close codes. */
  readonly endings = new Map<string, number>();
  /** All members, in the order of their arrival. */
  readonly #members = new Map<string, Member>();
  /** Closed connections whose queue stays in memory until it has drained or the peer is gone. */
  readonly #closing = new Polling<Connection>(CLOSING_POLL_MS);

  constructor(budget: ByteBudget) {
    this.budget = budget;
  }

  get isEmpty(): boolean {
    return this.#members.size === 0;
  }

  /** The occupancy of this object. */
  get count(): Count {
    return { subscribers: this.subscribers.size, publishers: this.publishers.size };
  }

  /** The occupancy of the room. */
  get total(): Count {
    const { subscribers, publishers } = this.count;
    return {
      subscribers: subscribers + this.elsewhere.subscribers,
      publishers: publishers + this.elsewhere.publishers,
    };
  }

  addSubscriber(subscriber: Subscriber): void {
    this.changes++;
    this.subscribers.set(subscriber.id, subscriber);
    this.#members.set(subscriber.id, subscriber);
  }

  addPublisher(publisher: Publisher): void {
    this.publishers.set(publisher.id, publisher);
    this.#members.set(publisher.id, publisher);
  }

  addLink(link: Subscriber): void {
    this.links.set(link.id, link);
  }

  /** True if somebody is in the room. Relays without subscribers do not count. */
  get isUsed(): boolean {
    return !this.isEmpty || this.elsewhere.subscribers > 0;
  }

  /** True if it still gets frames. */
  has({ id }: Member): boolean {
    return this.#members.has(id) || this.links.has(id);
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

  /** Every connection that gets occupancy and presence: members and relays. A recorder gets only its track. */
  *listeners(): Generator<Connection> {
    this.tellings++;
    yield* this.connections;
    for (const { connection, subscription } of this.links.values()) if (subscription.tracks === null) yield connection;
  }

  /** The number of `reliable` subscribers. */
  countReliable(): number {
    let count = 0;
    for (const { isReliable } of this.subscribers.values()) if (isReliable) count++;
    return count;
  }

  /** Ends its role. Its queue counts until it has drained, or its peer is gone. */
  close(now: number, connection: Connection, reason: CloseReason, text: string): void {
    this.#remove(connection);
    this.endings.set(reason.name, (this.endings.get(reason.name) ?? 0) + 1);
    connection.close(reason, text);
    if (connection.queuedBytes > 0) this.#closing.add(connection, now);
  }

  /** Its peer is gone; `drops`: so is its queue. Otherwise, the peer only sends no more. Returns its former role. */
  left(now: number, id: string, drops: boolean): Member | undefined {
    const member = this.find(id) ?? this.links.get(id);
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

  /** When `tick` is needed; undefined: no connection is closing. */
  get dueAt(): number | undefined {
    return this.#closing.dueAt;
  }

  /** Checks closing connections. */
  tick(now: number): void {
    if (!this.#closing.isDue(now)) return;
    for (const connection of [...this.#closing]) {
      connection.measure();
      if (connection.queuedBytes === 0) this.#closing.delete(connection);
    }
    this.#closing.polled(now, false);
  }

  /** When the first token of a member expires, ms since 1970; undefined: none does. */
  get expiresAt(): number | undefined {
    let first: number | undefined;
    for (const { who } of this.connections) {
      if (who.expiresAt !== null) first = Math.min(first ?? Number.POSITIVE_INFINITY, expiryOf(who.expiresAt));
    }
    return first;
  }

  /** Lists every connection with its figures, publishers first. */
  figures(now: number): Figures[] {
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
      mode: one.subscription.framed ? ("framed" as const) : ("plain" as const),
      ...one.figures(now),
    }));
    return [...publishers, ...subscribers];
  }

  #remove({ id }: Connection): void {
    this.changes++;
    this.#members.delete(id);
    this.subscribers.delete(id);
    this.publishers.delete(id);
    this.links.delete(id);
  }
}

/** A connection as the API describes it. */
export type Figures = ReturnType<typeof identityOf> &
  (
    | ({ readonly role: "publish"; readonly track: string } & PublisherFigures)
    | ({
        readonly role: "subscribe";
        readonly delivery: Delivery;
        readonly mode: "framed" | "plain";
      } & SubscriberFigures)
  );

function identityOf({ connection: { id, who } }: Member) {
  return { connection: id, subject: who.subject ?? null, label: who.label ?? null };
}

function* connectionsOf(members: Iterable<Member>): Generator<Connection> {
  for (const { connection } of members) yield connection;
}
