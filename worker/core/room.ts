// A whole room but its platform: admission, members and hub behind one face. Times are ms since 1970.
import { Close, type CloseReason } from "../../protocol/close.ts";
import type { Address } from "../../protocol/messages.ts";
import { Admission } from "./admission.ts";
import type { Attachment, Who } from "./attachment.ts";
import { type Asked, type Grant, type Join, permit, renewal } from "./authorize.ts";
import { ByteBudget } from "./byte-budget.ts";
import { earliest } from "./earliest.ts";
import { Expiry } from "./expiry.ts";
import { Hub } from "./hub.ts";
import type { KeyValueStore } from "./key-value-store.ts";
import { type Content, Members } from "./members.ts";
import type { Credential } from "./policy.ts";
import { isRefusal, type Refusal, refusal } from "./refusal.ts";
import { Registry } from "./registry.ts";
import { expiryOf, isExpired, type Revocation } from "./revocations.ts";
import { type RoomLimits, type RoomSettings, toCore } from "./room-settings.ts";
import type { Sink } from "./sink.ts";
import { DEFAULT_TUNING, type Tuning } from "./tuning.ts";

/** A room that was sent something so short a while ago does not sleep in the next seconds: the platform waits for 10 s without events. */
const BUSY_MS = 5000;

const NO_CONNECTION = refusal("connection_not_found", "it may have gone already");

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
  readonly #tuning: Tuning;
  readonly #registry: Registry;
  readonly #members: Members;
  #hub: Hub;
  readonly #expiry = new Expiry();
  /** When the last binary message came. */
  #framesAt = Number.NEGATIVE_INFINITY;

  /** `tuning`: what holds where the settings say nothing. */
  constructor(id: string, kv: KeyValueStore, limits: RoomLimits, mintEpoch: () => string, tuning = DEFAULT_TUNING) {
    this.#id = id;
    this.#tuning = { ...tuning };
    this.#registry = new Registry(new ByteBudget(this.#tuning));
    this.#mintEpoch = mintEpoch;
    this.#admission = new Admission(kv, limits);
    this.#members = new Members(this.#registry, () => this.#admission.settings);
    this.#applySettings();
    this.#hub = this.#newHub();
  }

  /** The object is in memory again: the connections that are still there. */
  restore(now: number, connections: readonly { readonly saved: Attachment; readonly sink: Sink }[]): void {
    this.#hub.restore(now, connections);
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
    return this.admit(who) ?? this.#registry.figures(now);
  }

  /** Changes settings; answers all of them. */
  update(now: number, who: Who, changes: Partial<RoomSettings>): RoomSettings | Refusal {
    const refused = this.admit(who);
    if (refused !== undefined) return refused;
    this.#admission.change(now, changes, !this.#registry.isEmpty);
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

  /** `grant` for whoever brings `id`, once, instead of the token `of`: answers until when. */
  issueTicket(now: number, id: string, of: Grant, grant: Grant, ttlMs: number): number | Refusal {
    return this.admit(of.who) ?? this.#admission.issueTicket(now, id, of, grant, ttlMs, now - this.#framesAt < BUSY_MS);
  }

  /** A connection goes on with another token. */
  renew(now: number, grant: Grant, connection: string): Refusal | true {
    const refused = this.admit(grant.who);
    if (refused !== undefined) return refused;
    const found = this.#registry.find(connection);
    if (found === undefined) return NO_CONNECTION;
    const who = renewal(found.usage, grant, this.#admission.idsAreTold);
    if (isRefusal(who)) return who;
    found.connection.who = who;
    found.save();
    this.#heed(now, who);
    return true;
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
    return kicked > 0 || NO_CONNECTION;
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
    const { who } = join;
    if (join.role === "publish") this.#hub.publish(now, id, who, join.publication, sink);
    else this.#hub.subscribe(now, id, who, join.subscription, sink);
    if (this.#registry.find(id) === undefined) return;
    this.#noteUse(now);
    this.#heed(now, who);
  }

  text(now: number, id: string, text: string): void {
    if (this.#expiry.isDue(now)) this.#expire(now);
    this.#hub.text(now, id, text);
  }

  binary(now: number, id: string, bytes: Uint8Array): void {
    if (this.#expiry.isDue(now)) this.#expire(now);
    this.#framesAt = now;
    this.#hub.binary(now, id, bytes);
  }

  /** A peer is gone; `drops`: and what was queued for it too, else it may still read that. */
  left(now: number, id: string, drops: boolean): void {
    this.#hub.left(now, id, drops);
    this.#noteUse(now);
  }

  /** When `tick` is wanted, while the room is in memory; undefined: nothing waits, it may sleep. */
  get dueAt(): number | undefined {
    return earliest([this.#hub.dueAt, this.#members.dueAt, this.#expiry.dueAt]);
  }

  tick(now: number): void {
    if (this.#expiry.isDue(now)) this.#expire(now);
    this.#hub.tick(now);
    this.#members.tick(now);
  }

  /** When `alarm` is wanted, asleep or not; undefined: never. */
  get alarmAt(): number | undefined {
    return earliest([this.#expiry.alarmAt, this.#admission.dueAt]);
  }

  /** Ends what has expired: connections, tickets, revocations, the room itself, its tombstone. */
  alarm(now: number): void {
    this.#expire(now);
    if (this.#admission.tick(now, !this.#registry.isEmpty)) this.#shut(now);
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
    this.#admission.use(now, !this.#registry.isEmpty);
  }

  /** The connection of `who` ends with its token. */
  #heed(now: number, who: Who): void {
    if (who.expiresAt !== null) this.#expiry.add(expiryOf(who.expiresAt));
    if (this.#expiry.isDue(now)) this.#expire(now);
  }

  #expire(now: number): void {
    this.#disconnect(now, Close.tokenExpired, (_, who) => isExpired(who, now));
    this.#expiry.reset(this.#registry.expiresAt);
  }

  #disconnect(now: number, reason: CloseReason, matches: (id: string, who: Who) => boolean): number {
    const count = this.#hub.disconnect(now, reason, matches);
    if (count > 0) this.#noteUse(now);
    return count;
  }

  #shut(now: number): void {
    this.#admission.close(now);
    this.#disconnect(now, Close.roomClosed, () => true);
    this.#applySettings();
    this.#hub = this.#newHub();
    this.#expiry.reset(undefined);
  }

  #newHub(): Hub {
    return new Hub(this.#id, this.#tuning, this.#mintEpoch, this.#registry, this.#members);
  }

  #applySettings(): void {
    Object.assign(this.#tuning, toCore(this.#admission.settings));
  }
}
