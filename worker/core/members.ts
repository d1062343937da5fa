// The people of a room: messages between them, and who is present.
import type { ClientMessage, ServerMessage } from "../../protocol/control.ts";
import { MAX_MEMBER_MESSAGE_BYTES, MESSAGE_QUEUE_BYTES } from "../../protocol/limits.ts";
import type { Address, MemberInfo, Sender, Undelivered } from "../../protocol/messages.ts";
import type { Connection } from "./connection.ts";
import { earliest } from "./earliest.ts";
import { Presence } from "./presence.ts";
import type { Registry } from "./registry.ts";
import { type Text, TextQueue } from "./text-queue.ts";
import { TokenBucket } from "./token-bucket.ts";

/** What the room's owner allows. */
export interface MemberRules {
  readonly presence: boolean;
  readonly memberMessages: boolean;
}

/** What is delivered: JSON, or bytes in base64. */
export type Content = { readonly body: Json } | { readonly bytes: string };
type Json = (ClientMessage & { type: "message" })["body"];

/** To how many connections a message goes, and how many could not take it. */
export type Delivery = { readonly connections: number; readonly skipped: number } | { readonly error: Undelivered };

/** Messages that one member may send: a line now and then, or a burst of candidates while signalling. */
const MEMBER_PER_SECOND = 5;
const MEMBER_BURST = 40;

/** Sends of messages in a room, one unit for each recipient and 4 KiB: well below what an object can send besides its frames. */
const SENDS_PER_SECOND = 5000;
const SENDS_BURST = 10_000;
const SEND_UNIT_BYTES = 4096;

const EVERY_MS = 1000;
const encoder = new TextEncoder();

/** The members of a room are its connections. Times are ms since 1970. */
export class Members {
  readonly #registry: Registry;
  readonly #rules: () => MemberRules;
  readonly #presence = new Presence(EVERY_MS);
  readonly #texts = new TextQueue();
  readonly #sends = new TokenBucket(SENDS_PER_SECOND, SENDS_BURST);
  readonly #limits = new WeakMap<Connection, TokenBucket>();
  /** Members whose way was full when the others were told who is there: they are told all of it later. */
  readonly #behind = new Set<Connection>();

  /** `rules` is asked at each use: the owner may change them. */
  constructor(registry: Registry, rules: () => MemberRules) {
    this.#registry = registry;
    this.#rules = rules;
  }

  /** After sleep: those who are still there. */
  restore(now: number): void {
    this.#presence.known(now, this.#infos(), this.#total);
  }

  /** A connection was made; the registry has it. */
  join(now: number, connection: Connection): void {
    this.#presence.changed();
    if (this.#rules().presence) tell(connection, { type: "presence", ...this.#presence.all });
    this.tick(now);
  }

  /** A connection ended; the registry has it no more. */
  left(now: number, connection: Connection): void {
    this.#behind.delete(connection);
    this.#texts.forget(connection);
    this.#presence.changed();
    this.tick(now);
  }

  /** The owner changed the rules: who is present is told from now on. */
  rulesChanged(now: number): void {
    if (!this.#rules().presence) return;
    this.#presence.known(now, this.#infos(), this.#total);
    for (const connection of this.#registry.connections) {
      this.#behind.add(connection);
      this.#attend(connection, undefined);
    }
  }

  /** A member sends a message; it is told what became of it. */
  say(now: number, from: Connection, { id: reference, to = "all", body }: ClientMessage & { type: "message" }): void {
    const sender = { connection: from.id, subject: from.who.subject ?? null };
    const delivery = this.#undelivered(now, from, body) ?? this.deliver(now, sender, to, { body });
    const nothing = { connections: 0, skipped: 0, error: null };
    tell(from, { type: "delivery", id: reference ?? null, ...nothing, ...delivery });
  }

  /** Delivers to an address; the sender's own connection gets it only by its own address. */
  deliver(now: number, from: Sender, to: Address, content: Content): Delivery {
    const chosen = [...this.#registry.connections].filter((connection) => isMeant(connection, to, from));
    if (chosen.length === 0 && to !== "all") return { error: "unknown_address" };
    const text = encode({ type: "message", from, ...content });
    if (!this.#sends.take(chosen.length * Math.ceil(text.bytes / SEND_UNIT_BYTES), now)) return { error: "too_fast" };
    let connections = 0;
    for (const one of chosen) if (one.framed && this.#texts.post(one, text, now)) connections++;
    return { connections, skipped: chosen.length - connections };
  }

  /** When `tick` is wanted. */
  get dueAt(): number | undefined {
    return earliest([this.#texts.dueAt, this.#presenceDueAt]);
  }

  /** Sends the messages that waited, and tells who came and went, where it is time. */
  tick(now: number): void {
    this.#texts.flush(now);
    if ((this.#presenceDueAt ?? Number.POSITIVE_INFINITY) > now) return;
    const attendance = this.#presence.changes(now, this.#infos(), this.#total);
    const changes = attendance && encode({ type: "presence", ...attendance });
    for (const connection of this.#registry.connections) this.#attend(connection, changes);
  }

  get #presenceDueAt(): number | undefined {
    if (!this.#rules().presence || this.#total === 0) return undefined;
    return this.#behind.size > 0 ? this.#presence.laterAt : this.#presence.dueAt;
  }

  /** Tells a member what changed, or, where it missed something, all; one that takes nothing now misses it. */
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
    const { subscribers, publishers } = this.#registry.count;
    return subscribers + publishers;
  }

  *#infos(): Iterable<MemberInfo> {
    for (const { id, role, who } of this.#registry.connections) {
      yield { connection: id, role, subject: who.subject ?? null, label: who.label ?? null };
    }
  }
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

/** Tells a framed member now, unless too much waits. Returns true if it was told. */
function sendNow(connection: Connection, { text, bytes }: Text): boolean {
  if (!connection.framed || !connection.takesText(bytes, MESSAGE_QUEUE_BYTES)) return false;
  connection.sendText(text, bytes);
  return true;
}
