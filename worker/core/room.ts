// A whole room but its platform: admission, members and hub behind one face. Times are ms since 1970.
import { Close, type CloseReason } from "../../protocol/close.ts";
import type { Address } from "../../protocol/messages.ts";
import { Admission } from "./admission.ts";
import type { Attachment, Who } from "./attachment.ts";
import { type Asked, type Grant, type Join, permit } from "./authorize.ts";
import { Hub } from "./hub.ts";
import type { KeyValueStore } from "./key-value-store.ts";
import { type Content, Members } from "./members.ts";
import type { Credential } from "./policy.ts";
import { isRefusal, type Refusal, refusal } from "./refusal.ts";
import { expiryOf, isExpired, type Revocation } from "./revocations.ts";
import { type RoomLimits, type RoomSettings, toCore } from "./room-settings.ts";
import type { Sink } from "./sink.ts";
import { DEFAULT_TUNING } from "./tuning.ts";

/** Somebody at the door: what is asked for, and with what. */
export interface JoinRequest {
  readonly asked: Asked;
  readonly credential: Credential;
}

/** What the room's owner and the platform can do with it. What `who` may do was checked; here it is whether that still counts. */
export class RoomCore {
  readonly #id: string;
  readonly #mintEpoch: () => string;
  readonly #admission: Admission;
  /** Read by the hub at each use. */
  readonly #settings = { ...DEFAULT_TUNING };
  #members: Members;
  #hub: Hub;
  /** When the first token of those who are here may expire. */
  #expiresAt: number | undefined;

  constructor(id: string, kv: KeyValueStore, limits: RoomLimits, mintEpoch: () => string) {
    this.#id = id;
    this.#mintEpoch = mintEpoch;
    this.#admission = new Admission(kv, limits);
    [this.#members, this.#hub] = this.#furnish();
  }

  /** The object is in memory again: the connections that are still there. */
  restore(now: number, connections: readonly { readonly saved: Attachment; readonly sink: Sink }[]): void {
    this.#hub.restore(now, connections);
    this.#members.restore(
      now,
      connections.map(({ saved, sink }) => memberOf(saved, sink)),
    );
    this.#expire(now);
    this.#noteUse(now);
  }

  create(now: number, settings: Partial<RoomSettings>): Refusal | undefined {
    const refused = this.#admission.create(now, settings);
    if (refused === undefined) this.#applySettings();
    return refused;
  }

  /** Does the token count here? */
  admit(who: Who): Refusal | undefined {
    return this.#admission.policy.admit(who);
  }

  /** What the room tells of itself. */
  describe(now: number, who: Who) {
    const { createdAt, settings } = this.#admission;
    return this.admit(who) ?? { ...this.#hub.snapshot(now), state: "open" as const, createdAt, settings };
  }

  /** Every connection with its figures. */
  connections(now: number, who: Who) {
    return this.admit(who) ?? this.#hub.connections(now);
  }

  /** Changes settings; answers all of them. */
  update(now: number, who: Who, changes: Partial<RoomSettings>): RoomSettings | Refusal {
    const refused = this.admit(who);
    if (refused !== undefined) return refused;
    this.#admission.change(now, changes, !this.#hub.isEmpty);
    this.#applySettings();
    if (changes.public === false) this.#disconnect(now, Close.revoked, (_, { jti }) => jti === null);
    if (changes.presence !== undefined) this.#members.rulesChanged(now);
    return this.#admission.settings;
  }

  /** Closes the room for good. */
  shut(now: number, who: Who): Refusal | true {
    const refused = this.admit(who);
    if (refused === undefined) this.#shut(now);
    return refused ?? true;
  }

  /** `grant` for whoever brings `id`, once: answers until when. */
  issueTicket(now: number, who: Who, id: string, grant: Grant, ttlMs: number): number | Refusal {
    return this.admit(who) ?? this.#admission.issueTicket(now, id, grant, ttlMs);
  }

  /** Revokes tokens, and closes the connections that were made with them: answers how many. */
  revoke(now: number, who: Who, revocation: Revocation): number | Refusal {
    const meets = this.admit(who) ?? this.#admission.revoke(now, revocation);
    return isRefusal(meets) ? meets : this.#disconnect(now, Close.revoked, (_, owner) => meets(owner));
  }

  /** Ends one connection. */
  kick(now: number, who: Who, connection: string): Refusal | true {
    const refused = this.admit(who);
    if (refused !== undefined) return refused;
    const kicked = this.#disconnect(now, Close.kicked, (id) => id === connection);
    return kicked > 0 || refusal("connection_not_found", "it may have gone already");
  }

  /** Delivers a message from an application. */
  deliver(now: number, who: Who, to: Address, content: Content): { connections: number; skipped: number } | Refusal {
    const refused = this.admit(who);
    if (refused !== undefined) return refused;
    const delivery = this.#members.deliver(now, { connection: null, subject: who.subject ?? null }, to, content);
    if (!("error" in delivery)) return delivery;
    if (delivery.error === "unknown_address") return refusal("unknown_address", "no connection has it now");
    return refusal("too_many_requests", "the room delivers no more messages for the moment");
  }

  /** May whoever knocks come in, and as what? A ticket is spent by asking. */
  enter(now: number, { asked, credential }: JoinRequest): Join | Refusal {
    const grant = this.#admission.enter(now, credential);
    return isRefusal(grant) ? grant : permit(asked, grant, this.#admission.settings.delivery);
  }

  /** Somebody comes in, over a new connection. */
  join(now: number, id: string, join: Join, sink: Sink): void {
    const { role, who } = join;
    if (join.role === "publish") this.#hub.publish(now, id, who, join.publication, sink);
    else this.#hub.subscribe(now, id, who, join.subscription, sink);
    if (!this.#hub.has(id)) return;
    this.#noteUse(now);
    const framed = join.role === "publish" || join.subscription.framed;
    this.#members.join(now, { id, role, framed, who, sink });
    if (who.expiresAt !== null) this.#expiresAt = earliest([this.#expiresAt, expiryOf(who.expiresAt)]);
  }

  text(now: number, id: string, text: string): void {
    this.#hub.text(now, id, text);
  }

  binary(now: number, id: string, bytes: Uint8Array): void {
    this.#hub.binary(now, id, bytes);
  }

  /** A connection is gone. */
  left(now: number, id: string): void {
    this.#hub.left(now, id);
    this.#members.left(now, id);
    this.#noteUse(now);
  }

  /** When `tick` is wanted, while the room is in memory; undefined: nothing waits, it may sleep. */
  get dueAt(): number | undefined {
    return earliest([this.#hub.dueAt, this.#members.dueAt]);
  }

  tick(now: number): void {
    this.#hub.tick(now);
    this.#members.tick(now);
  }

  /** When `alarm` is wanted, asleep or not; undefined: never. */
  get alarmAt(): number | undefined {
    return earliest([this.#expiresAt, this.#admission.dueAt]);
  }

  /** Ends what has expired: connections, tickets, revocations, the room itself, its tombstone. */
  alarm(now: number): void {
    this.#expire(now);
    if (this.#admission.tick(now, !this.#hub.isEmpty)) this.#shut(now);
  }

  /** Does `save` have something to write that nobody asked for? */
  isUnsaved(now: number): boolean {
    return this.#admission.isUnsaved(now);
  }

  /** Writes it. Throws where storage does, and may be called again then. */
  save(now: number): void {
    this.#admission.save(now);
  }

  #noteUse(now: number): void {
    this.#admission.use(now, !this.#hub.isEmpty);
  }

  #expire(now: number): void {
    this.#disconnect(now, Close.tokenExpired, (_, who) => isExpired(who, now));
    this.#expiresAt = this.#hub.expiresAt;
  }

  #disconnect(now: number, reason: CloseReason, matches: (id: string, who: Who) => boolean): number {
    const count = this.#hub.disconnect(now, reason, (id, who) => {
      if (!matches(id, who)) return false;
      this.#members.left(now, id);
      return true;
    });
    if (count > 0) this.#noteUse(now);
    return count;
  }

  #shut(now: number): void {
    this.#admission.close(now);
    this.#disconnect(now, Close.roomClosed, () => true);
    [this.#members, this.#hub] = this.#furnish();
    this.#expiresAt = undefined;
  }

  #furnish(): [Members, Hub] {
    this.#applySettings();
    const members = new Members(() => this.#admission.settings);
    return [members, new Hub(this.#id, this.#settings, this.#mintEpoch, members)];
  }

  #applySettings(): void {
    Object.assign(this.#settings, toCore(this.#admission.settings));
  }
}

function memberOf(saved: Attachment, sink: Sink) {
  const { id, who } = saved;
  if (saved.role === "publisher") return { id, who, sink, role: "publish" as const, framed: true };
  return { id, who, sink, role: "subscribe" as const, framed: saved.subscription.framed };
}

function earliest(times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}
