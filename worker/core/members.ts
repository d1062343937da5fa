// The members of a room: messages between them, and presence.
import type { ClientMessage, ServerMessage } from "../../protocol/control.ts";
import { MAX_MEMBER_MESSAGE_BYTES, MESSAGE_QUEUE_BYTES } from "../../protocol/limits.ts";
import type { Address, MemberInfo, Sender, Undelivered } from "../../protocol/messages.ts";
import type { Connection } from "./connection.ts";
import { earliest } from "./earliest.ts";
import { type Attendance, named, Presence } from "./presence.ts";
import type { Registry } from "./registry.ts";
import { type Text, TextQueue } from "./text-queue.ts";
import { TokenBucket } from "./token-bucket.ts";

/** The settings of the room's owner. */
export interface MemberRules {
  readonly presence: boolean;
  readonly memberMessages: boolean;
}

/** The content to deliver: JSON, or bytes in base64. */
export type Content = { readonly body: Json } | { readonly bytes: string };
type Json = (ClientMessage & { type: "message" })["body"];

/** Delivers in the whole room, including this object, and returns the result. */
export type Post = (from: Sender, to: Address, content: Content, done: (delivery: Delivery) => void) => void;

/** The number of connections that get a message, and the number that could not take it. */
export type Delivery = { readonly connections: number; readonly skipped: number } | { readonly error: Undelivered };

/** Messages that one member may send: a line now and then, or a burst of candidates while signalling. */
const MEMBER_PER_SECOND = 5;
const MEMBER_BURST = 40;

/**
 * Sends of messages in a room, one unit for each recipient and 4 KiB: well below what an object can send in addition to
 * its frames.
 */
const SENDS_PER_SECOND = 5000;
const SENDS_BURST = 10_000;
const SEND_UNIT_BYTES = 4096;

const EVERY_MS = 1000;
const encoder = new TextEncoder();

/** The members of a room are its connections. Times are ms since 1970. */
export class Members {
  readonly #registry: Registry;
  readonly #rules: () => MemberRules;
  readonly #post: Post;
  /** True if the parent reports presence. */
  #follows = false;
  readonly #presence = new Presence(EVERY_MS);
  readonly #texts = new TextQueue();
  readonly #sends = new TokenBucket(SENDS_PER_SECOND, SENDS_BURST);
  readonly #limits = new WeakMap<Connection, TokenBucket>();
  /** Members whose connection was full when presence was sent: they get the full presence later. */
  readonly #behind = new Set<Connection>();

  /**
   * `rules` is read at each use, because the owner may change the settings. `post` delivers if the room has more
   * objects.
   */
  constructor(registry: Registry, rules: () => MemberRules, post: Post) {
    this.#registry = registry;
    this.#rules = rules;
    this.#post = post;
  }

  /** After sleep: restores the remaining members. */
  restore(now: number): void {
    this.#presence.known(now, this.#infos(), this.#total);
  }

  /** A connection was made; the registry has it. */
  join(now: number, connection: Connection): void {
    this.#presence.changed();
    if (this.#rules().presence) tell(connection, { type: "presence", ...this.#presence.all });
    this.tick(now);
  }

  /** A connection ended; the registry no longer has it. */
  left(now: number, connection: Connection): void {
    this.#behind.delete(connection);
    this.#texts.forget(connection);
    this.#presence.changed();
    this.tick(now);
  }

  /** Members at other objects came or went: the registry knows them. */
  changedElsewhere(): void {
    this.#presence.changed();
  }

  /** At a relay: the parent reports the presence of the whole room. Members here get the same report. */
  follow(message: Attendance): void {
    this.#follows = true;
    this.#presence.follow(message);
    const text = encode({ type: "presence", ...message });
    for (const connection of this.#registry.listeners()) this.#attend(connection, text);
  }

  /** The first members, here or at the relays below, as others should see them. */
  get present(): MemberInfo[] {
    return this.#rules().presence ? [...named(this.#infos()).values()] : [];
  }

  /** A fingerprint that changes whenever `present` does. */
  get presentForm(): string {
    let form = "";
    for (const { connection } of this.present) form += `${connection} `;
    return form;
  }

  /**
   * The owner changed the settings: presence is reported from now on, or no longer. At a relay, the parent reports it.
   */
  rulesChanged(now: number): void {
    const isOn = this.#rules().presence;
    if (!this.#follows) this.#presence.known(now, this.#infos(), this.#total);
    else if (!isOn) this.#presence.known(now, [], 0);
    if (!isOn) return;
    for (const connection of this.#registry.listeners()) {
      this.#behind.add(connection);
      this.#attend(connection, undefined);
    }
  }

  /** A member sends a message, and gets the result. */
  say(now: number, from: Connection, { id: reference, to = "all", body }: ClientMessage & { type: "message" }): void {
    const sender = { connection: from.id, subject: from.who.subject ?? null };
    const done = (delivery: Delivery): void => {
      const nothing = { connections: 0, skipped: 0, error: null };
      tell(from, { type: "delivery", id: reference ?? null, ...nothing, ...delivery });
    };
    const undelivered = this.#undelivered(now, from, body);
    if (undelivered !== undefined) return done(undelivered);
    if (this.#registry.isSpread) this.#post(sender, to, { body }, done);
    else done(this.deliver(now, sender, to, { body }));
  }

  /** Delivers to an address among the members here. The sender's own connection gets it only by its own address. */
  deliver(now: number, from: Sender, to: Address, content: Content): Delivery {
    const chosen = [...this.#registry.connections].filter((connection) => isMeant(connection, to, from));
    if (chosen.length === 0 && to !== "all") return { error: "unknown_address" };
    const text = encode({ type: "message", from, ...content });
    if (!this.#sends.take(chosen.length * Math.ceil(text.bytes / SEND_UNIT_BYTES), now)) return { error: "too_fast" };
    this.#registry.budget.refresh();
    let connections = 0;
    for (const one of chosen) if (one.framed && this.#texts.post(one, text, now)) connections++;
    return { connections, skipped: chosen.length - connections };
  }

  /** When `tick` is needed. */
  get dueAt(): number | undefined {
    return earliest([this.#texts.dueAt, this.#presenceDueAt]);
  }

  /** Sends waiting messages, and reports presence if it is time. */
  tick(now: number): void {
    // If no frames are sent, nothing else checks whether queues have drained.
    if ((this.dueAt ?? Number.POSITIVE_INFINITY) <= now) this.#registry.budget.refresh();
    this.#texts.flush(now);
    if ((this.#presenceDueAt ?? Number.POSITIVE_INFINITY) > now) return;
    const attendance = this.#follows ? undefined : this.#presence.changes(now, this.#infos(), this.#total);
    if (attendance === undefined && this.#behind.size === 0) return;
    const changes = attendance && encode({ type: "presence", ...attendance });
    for (const connection of this.#registry.listeners()) this.#attend(connection, changes);
  }

  get #presenceDueAt(): number | undefined {
    if (!this.#rules().presence || this.#total === 0) return undefined;
    if (this.#behind.size > 0) return this.#presence.laterAt;
    return this.#follows ? undefined : this.#presence.dueAt;
  }

  /**
   * Sends a member the changes, or everything if it missed something. A member that accepts nothing now has missed it.
   */
  #attend(connection: Connection, changes: Text | undefined): void {
    const missed = this.#behind.has(connection);
    const text = missed ? encode({ type: "presence", ...this.#presence.all }) : changes;
    if (text === undefined) return;
    const isTold = sendNow(connection, text);
    if (isTold || !connection.framed) this.#behind.delete(connection);
    else this.#behind.add(connection);
  }

  #undelivered(now: number, from: Connection, body: unknown): Delivery | undefined {
    if (!this.#rules().memberMessages) return { error: "not_enabled" };
    if (from.who.mayMessage !== true) return { error: "no_right" };
    if (encoder.encode(JSON.stringify(body)).byteLength > MAX_MEMBER_MESSAGE_BYTES) return { error: "too_large" };
    const limit = this.#limits.get(from) ?? new TokenBucket(MEMBER_PER_SECOND, MEMBER_BURST);
    this.#limits.set(from, limit);
    return limit.take(1, now) ? undefined : { error: "too_fast" };
  }

  get #total(): number {
    const { subscribers, publishers } = this.#registry.total;
    return subscribers + publishers;
  }

  *#infos(): Iterable<MemberInfo> {
    for (const { id, role, who } of this.#registry.connections) {
      yield { connection: id, role, subject: who.subject ?? null, label: who.label ?? null };
    }
    yield* this.#registry.presentElsewhere;
  }
}

/** The sum of several objects' results for one message. If only some objects refuse it, the others delivered it. */
export function sumOf(deliveries: readonly Delivery[]): Delivery {
  let [connections, skipped, delivered] = [0, 0, false];
  let refused: Delivery | undefined;
  for (const delivery of deliveries) {
    if ("error" in delivery) {
      if (refused === undefined || delivery.error !== "unknown_address") refused = delivery;
      continue;
    }
    delivered = true;
    connections += delivery.connections;
    skipped += delivery.skipped;
  }
  return delivered || refused === undefined ? { connections, skipped } : refused;
}

function isMeant({ id, who }: Connection, to: Address, from: Sender): boolean {
  if (to === "all") return id !== from.connection;
  return "connection" in to ? id === to.connection : who.subject === to.subject;
}

function encode(message: ServerMessage): Text {
  const text = JSON.stringify(message);
  return { text, bytes: encoder.encode(text).byteLength };
}

function tell(connection: Connection, message: ServerMessage): void {
  sendNow(connection, encode(message));
}

/** Sends to a framed member now, unless too much waits. Returns true if it was sent. */
function sendNow(connection: Connection, { text, bytes }: Text): boolean {
  if (!connection.framed || !connection.takesText(bytes, MESSAGE_QUEUE_BYTES)) return false;
  connection.sendText(text, bytes);
  return true;
}
