// The people of a room: messages between them, and who is present.
import type { ClientMessage, ServerMessage } from "../../protocol/control.ts";
import { MAX_MEMBER_MESSAGE_BYTES, MESSAGE_HELD_BYTES } from "../../protocol/limits.ts";
import type { Address, MemberInfo, Sender, Undelivered } from "../../protocol/messages.ts";
import type { Who } from "./attachment.ts";
import { type Attendance, Presence } from "./presence.ts";
import type { Sink } from "./sink.ts";
import { TokenBucket } from "./token-bucket.ts";

/** One connection as its fellows see it. A plain one (not `framed`) can be told nothing. */
export interface Member {
  readonly id: string;
  readonly role: "publish" | "subscribe";
  readonly framed: boolean;
  readonly who: Who;
  readonly sink: Sink;
}

/** What the room's owner allows. */
export interface MemberRules {
  readonly presence: boolean;
  readonly memberMessages: boolean;
}

/** What is delivered: JSON, or bytes in base64. */
export type Content = { readonly body: Json } | { readonly bytes: string };
type Json = (ClientMessage & { type: "message" })["body"];

/** To how many connections a message went, and how many could not take it. */
export type Delivery = { readonly connections: number; readonly skipped: number } | { readonly error: Undelivered };

/** Messages that one member may send: a line now and then, or a burst of candidates while signalling. */
const MEMBER_PER_SECOND = 5;
const MEMBER_BURST = 40;

/** Sends of messages in a room, one unit for each recipient and 4 KiB: well below what an object can send besides its frames. */
const SENDS_PER_SECOND = 5000;
const SENDS_BURST = 10_000;
const SEND_UNIT_BYTES = 4096;

const EVERY_MS = 1000;

/** The members of a room. Times are ms since 1970. */
export class Members {
  readonly #rules: () => MemberRules;
  readonly #members = new Map<string, Member>();
  readonly #presence = new Presence(EVERY_MS);
  readonly #sends = new TokenBucket(SENDS_PER_SECOND, SENDS_BURST);
  readonly #limits = new Map<string, TokenBucket>();
  /** Members whose way was full when the others were told who is there: they are told all of it later. */
  readonly #behind = new Set<string>();

  /** `rules` is asked at each use: the owner may change them. */
  constructor(rules: () => MemberRules) {
    this.#rules = rules;
  }

  /** After sleep: those who are still there. */
  restore(now: number, members: readonly Member[]): void {
    for (const member of members) this.#members.set(member.id, member);
    this.#presence.known(now, this.#infos(), this.#members.size);
  }

  join(now: number, member: Member): void {
    this.#members.set(member.id, member);
    this.#presence.changed();
    if (this.#rules().presence) tell(member, { type: "presence", ...this.#presence.all });
    this.tick(now);
  }

  /** A member goes on with another token. */
  renew(id: string, who: Who): void {
    const member = this.#members.get(id);
    if (member !== undefined) this.#members.set(id, { ...member, who });
  }

  left(now: number, id: string): void {
    this.#limits.delete(id);
    this.#behind.delete(id);
    if (this.#members.delete(id)) this.#presence.changed();
    this.tick(now);
  }

  /** The owner changed the rules: who is present is told from now on. */
  rulesChanged(now: number): void {
    if (!this.#rules().presence) return;
    this.#presence.known(now, this.#infos(), this.#members.size);
    for (const member of this.#members.values()) {
      this.#behind.add(member.id);
      this.#attend(member, undefined);
    }
  }

  /** A member sends a message; it is told what became of it. */
  say(now: number, id: string, { id: reference, to = "all", body }: ClientMessage & { type: "message" }): void {
    const member = this.#members.get(id);
    if (member === undefined) return;
    const delivery = this.#undelivered(now, member, body) ?? this.deliver(now, senderOf(member), to, { body });
    const nothing = { connections: 0, skipped: 0, error: null };
    tell(member, { type: "delivery", id: reference ?? null, ...nothing, ...delivery });
  }

  /** Delivers to an address; the sender's own connection gets it only by its own address. */
  deliver(now: number, from: Sender, to: Address, content: Content): Delivery {
    const chosen = [...this.#members.values()].filter((member) => meant(member, to, from));
    if (chosen.length === 0 && to !== "all") return { error: "unknown_address" };
    const text = JSON.stringify({ type: "message", from, ...content } satisfies ServerMessage);
    const cost = chosen.length * Math.ceil(text.length / SEND_UNIT_BYTES);
    if (!this.#sends.take(cost, now)) return { error: "too_fast" };
    const able = chosen.filter(isAble);
    for (const { sink } of able) sink.send(text);
    return { connections: able.length, skipped: chosen.length - able.length };
  }

  /** When `tick` is wanted. */
  get dueAt(): number | undefined {
    if (!this.#rules().presence || this.#members.size === 0) return undefined;
    return this.#behind.size > 0 ? this.#presence.laterAt : this.#presence.dueAt;
  }

  /** Tells who came and went, where it is time. */
  tick(now: number): void {
    if ((this.dueAt ?? Number.POSITIVE_INFINITY) > now) return;
    const changes = this.#presence.changes(now, this.#infos(), this.#members.size);
    for (const member of this.#members.values()) this.#attend(member, changes);
  }

  /** Tells a member what changed, or, where it missed something, all; one whose way is full misses it. */
  #attend(member: Member, changes: Attendance | undefined): void {
    const missed = this.#behind.has(member.id);
    const attendance = missed ? this.#presence.all : changes;
    if (attendance === undefined) return;
    if (member.framed && !isAble(member)) return void this.#behind.add(member.id);
    this.#behind.delete(member.id);
    tell(member, { type: "presence", ...attendance });
  }

  #undelivered(now: number, member: Member, body: unknown): Delivery | undefined {
    if (!this.#rules().memberMessages) return { error: "not_enabled" };
    if (member.who.mayMessage !== true) return { error: "no_right" };
    if (sizeOf(body) > MAX_MEMBER_MESSAGE_BYTES) return { error: "too_large" };
    const limit = this.#limits.get(member.id) ?? new TokenBucket(MEMBER_PER_SECOND, MEMBER_BURST);
    this.#limits.set(member.id, limit);
    return limit.take(1, now) ? undefined : { error: "too_fast" };
  }

  *#infos(): Iterable<MemberInfo> {
    for (const { id, role, who } of this.#members.values()) {
      yield { connection: id, role, subject: who.subject ?? null, label: who.label ?? null };
    }
  }
}

function meant(member: Member, to: Address, from: Sender): boolean {
  if (to === "all") return member.id !== from.connection;
  return "connection" in to ? member.id === to.connection : member.who.subject === to.subject;
}

function senderOf(member: Member): Sender {
  return { connection: member.id, subject: member.who.subject ?? null };
}

function sizeOf(body: unknown): number {
  return new TextEncoder().encode(JSON.stringify(body)).byteLength;
}

/** May it be told something now? A plain one never; one for which too much waits, later. */
function isAble({ framed, sink }: Member): boolean {
  return framed && (sink.bufferedBytes() ?? 0) <= MESSAGE_HELD_BYTES;
}

function tell(member: Member, message: ServerMessage): void {
  if (isAble(member)) member.sink.send(JSON.stringify(message));
}
