// A whole room without its platform, at its origin: admission, members, streams and relays behind one interface. Times
// are ms since 1970.
import { Close, type CloseReason } from "../../protocol/close.ts";
import { Admission } from "./admission.ts";
import type { Attachment, Who } from "./attachment.ts";
import { type Grant, type Join, permit } from "./authorize.ts";
import { earliest } from "./earliest.ts";
import { type GrowthLimits, growthOf, type RelayLimits } from "./growth-limits.ts";
import type { Entry, JoinRequest } from "./join-request.ts";
import type { KeyValueStore } from "./key-value-store.ts";
import type { OnNews } from "./links.ts";
import type { Policy } from "./policy.ts";
import { Recorders, type RecordersShell } from "./recorders.ts";
import { isRefusal, type Refusal } from "./refusal.ts";
import { Relays, type RelaysShell } from "./relays.ts";
import type { Revocation } from "./revocations.ts";
import { NO_CONNECTION, type NodeShell, RoomNode } from "./room-node.ts";
import { type RoomLimits, type RoomSettings, toCore } from "./room-settings.ts";
import type { Sink } from "./sink.ts";
import { DEFAULT_TUNING, type Tuning } from "./tuning.ts";

/** After a frame, a room does not sleep for longer than this: the platform waits for 10 s without events. */
const BUSY_MS = 5000;

/** The platform functions that a room needs. */
export interface RoomShell extends NodeShell, RelaysShell, RecordersShell {}

/**
 * The actions of owner and platform. The rights of `who` were checked; here, the room checks that the token is still
 * valid.
 */
export class RoomCore {
  readonly #kv: KeyValueStore;
  readonly #shell: RoomShell;
  readonly #admission: Admission;
  /** Read at each use. */
  readonly #tuning: Tuning;
  readonly #relayLimits: RelayLimits;
  readonly node: RoomNode;
  /** The state of the room's relays. */
  relays: Relays;
  readonly recorders: Recorders;
  /** When the last binary message arrived. */
  #framesAt = Number.NEGATIVE_INFINITY;

  /** `name` is empty if the platform has none. `tuning`: the numbers that apply if there is no setting. */
  constructor(
    name: string,
    kv: KeyValueStore,
    limits: RoomLimits & RelayLimits,
    shell: RoomShell,
    now: number,
    tuning = DEFAULT_TUNING,
  ) {
    this.#kv = kv;
    this.#shell = shell;
    this.#relayLimits = limits;
    this.#tuning = { ...tuning };
    this.#admission = new Admission(kv, limits, name);
    const onNews: OnNews = (at, relay, news) => {
      this.node.countElsewhere();
      this.#noteUse(at);
      this.relays.hear(at, relay, news);
    };
    const [room, settings] = [() => this.#admission.id, () => this.#admission.settings];
    this.node = new RoomNode(room, this.#tuning, settings, shell, onNews);
    this.#applySettings();
    this.relays = this.#newRelays(now);
    this.recorders = new Recorders(room, kv, this.node, settings, shell);
  }

  /** The object is in memory again: restores the remaining connections. */
  restore(now: number, connections: readonly { readonly saved: Attachment; readonly sink: Sink }[]): void {
    this.node.restore(now, connections);
    this.#noteUse(now);
  }

  create(now: number, id: string, settings: Partial<RoomSettings>): Refusal | undefined {
    const refused = this.#admission.create(now, id, settings);
    if (refused !== undefined) return refused;
    this.#applySettings();
    this.relays = this.#newRelays(now);
    return undefined;
  }

  get policy(): Policy {
    return this.#admission.policy;
  }

  /** Refuses a token that is not valid here. */
  admit(who: Who): Refusal | undefined {
    return this.#admission.policy.admit(who);
  }

  /** The room's description of itself. */
  describe(now: number, who: Who) {
    const { createdAt, settings } = this.#admission;
    const state = { ...this.node.hub.snapshot(now), ...this.relays.tree(now), state: "open" as const };
    return this.admit(who) ?? { ...state, createdAt, settings };
  }

  /** Every connection of this object with its figures. */
  connections(now: number, who: Who) {
    return this.admit(who) ?? this.node.registry.figures(now);
  }

  /** Changes settings. Returns all of them. */
  update(now: number, who: Who, changes: Partial<RoomSettings>): RoomSettings | Refusal {
    const refused = this.admit(who);
    if (refused !== undefined) return refused;
    this.#admission.change(now, changes, this.node.registry.isUsed);
    this.#applySettings();
    if (changes.public === false) this.#disconnect(now, Close.revoked, (_, { jti }) => jti === null);
    if (changes.presence !== undefined) this.node.members.rulesChanged(now);
    this.relays.policyChanged(now);
    this.recorders.look(now);
    return this.#admission.settings;
  }

  /** Closes the room permanently. */
  shut(now: number, who: Who): Refusal | true {
    return this.admit(who) ?? this.#shut(now);
  }

  /** Issues a ticket `id` that gives `grant` once, in place of the token `of`. Returns its expiry. */
  issueTicket(now: number, id: string, of: Grant, grant: Grant, ttlMs: number): number | Refusal {
    return this.admit(of.who) ?? this.#admission.issueTicket(now, id, of, grant, ttlMs, now - this.#framesAt < BUSY_MS);
  }

  /** A connection continues with another token. */
  renew(now: number, grant: Grant, connection: string): Refusal | true {
    return this.admit(grant.who) ?? this.node.renew(now, grant, connection, this.#admission.idsAreTold);
  }

  /** Revokes tokens, and closes the connections that were made with them. Returns their number. */
  revoke(now: number, who: Who, revocation: Revocation): number | Refusal {
    const meets = this.admit(who) ?? this.#admission.revoke(now, revocation);
    if (isRefusal(meets)) return meets;
    this.relays.policyChanged(now);
    return this.#disconnect(now, Close.revoked, (_, owner) => meets(owner));
  }

  /** Closes one connection. */
  kick(now: number, who: Who, connection: string): Refusal | true {
    return this.admit(who) ?? (this.#disconnect(now, Close.kicked, (id) => id === connection) > 0 || NO_CONNECTION);
  }

  /** Decides whether, where and with which rights a client may join. A ticket is used up by this call. */
  enter(now: number, { asked, credential, region, newcomers, refused }: JoinRequest): Entry | Refusal {
    const grant = this.#admission.enter(now, credential);
    const join = isRefusal(grant) ? grant : permit(asked, grant, this.#admission.settings.delivery);
    if (isRefusal(join) || isRefusal(grant)) return join as Refusal;
    if (join.role === "publish" || join.subscription.delivery === "reliable" || region === undefined) {
      return { at: "here", join };
    }
    const place = this.relays.place(now, region, newcomers, refused);
    if (place === "full") return { at: "nowhere" };
    if (place !== "origin") return { at: "relays", placement: place, grant };
    return { at: "here", join: { ...join, subscription: { ...join.subscription, region } } };
  }

  /** A client joins, over a new connection. */
  join(now: number, id: string, join: Join, sink: Sink): void {
    if (!this.node.join(now, id, join, sink)) return;
    this.#noteUse(now);
    this.relays.look(now, true);
  }

  text(now: number, id: string, text: string): void {
    this.node.text(now, id, text);
  }

  binary(now: number, id: string, bytes: Uint8Array): void {
    this.#framesAt = now;
    this.node.binary(now, id, bytes);
    this.relays.look(now, false);
  }

  /** A peer is gone; `drops`: its queue is gone, too; otherwise it may still read the queue. */
  left(now: number, id: string, drops: boolean): void {
    this.node.left(now, id, drops);
    this.#noteUse(now);
    this.relays.look(now, true);
  }

  /** When `tick` is needed, while the room is in memory; undefined: nothing waits, so the room may sleep. */
  get dueAt(): number | undefined {
    return earliest([this.node.dueAt, this.relays.dueAt]);
  }

  tick(now: number): void {
    this.node.tick(now);
    this.relays.tick(now);
  }

  /** When `alarm` is needed, asleep or not; undefined: never. */
  get alarmAt(): number | undefined {
    return earliest([this.node.expiresAt, this.#admission.dueAt]);
  }

  /** Ends everything that has expired: connections, tickets, revocations, the room itself, its tombstone. */
  alarm(now: number): void {
    this.node.expire(now);
    if (this.#admission.tick(now, this.node.registry.isUsed)) this.#shut(now);
  }

  /** True if `save` has changes to write that no call caused. */
  isUnsaved(now: number): boolean {
    return this.#admission.isUnsaved(now) || this.relays.isUnsaved || this.recorders.isUnsaved;
  }

  /** Writes them. Throws if storage does; it may then be called again. */
  save(now: number): void {
    this.#admission.save(now);
    this.relays.save();
    this.recorders.save();
  }

  #noteUse(now: number): void {
    this.#admission.use(now, this.node.registry.isUsed);
    this.recorders.look(now);
  }

  #disconnect(now: number, reason: CloseReason, matches: (id: string, who: Who) => boolean): number {
    const count = this.node.disconnect(now, reason, matches);
    if (count > 0) this.#noteUse(now);
    return count;
  }

  #shut(now: number): true {
    this.relays.dismissAll();
    this.recorders.eraseAll();
    this.#admission.close(now);
    this.#applySettings();
    this.node.clear(now, Close.roomClosed);
    this.relays = this.#newRelays(now);
    this.#noteUse(now);
    return true;
  }

  #newRelays(now: number): Relays {
    const limits = (): GrowthLimits => ({ ...this.#relayLimits, ...growthOf(this.#tuning) });
    return new Relays(this.#admission.id, this.#kv, this.node, limits, this.#shell, () => this.#admission.told, now);
  }

  #applySettings(): void {
    Object.assign(this.#tuning, toCore(this.#admission.settings));
  }
}
