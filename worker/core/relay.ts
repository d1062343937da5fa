// A relay without its platform: it serves subscribers with its parent's frames, and admits by the origin's assignment.
import { Close } from "../../protocol/close.ts";
import {
  type Assignment,
  forgetAssignment,
  parseAssignment,
  policyOf,
  readAssignment,
  writeAssignment,
} from "./assignment.ts";
import type { Attachment } from "./attachment.ts";
import { type Grant, type Join, permit } from "./authorize.ts";
import { Drain, move } from "./drain.ts";
import { earliest } from "./earliest.ts";
import type { RelayLimits } from "./growth-limits.ts";
import type { JoinRequest } from "./join-request.ts";
import type { KeyValueStore } from "./key-value-store.ts";
import { ParentLink, type SavedLink } from "./parent-link.ts";
import { forgetParked } from "./parked-row.ts";
import type { Policy } from "./policy.ts";
import { isRefusal, type Refusal } from "./refusal.ts";
import { parseRelayId } from "./relay-id.ts";
import { type NodeShell, RoomNode } from "./room-node.ts";
import { type RoomLimits, toCore } from "./room-settings.ts";
import type { Sink } from "./sink.ts";
import { DEFAULT_TUNING, type Tuning } from "./tuning.ts";

/** Not here: the origin knows where the subscriber should go. */
export const ELSEWHERE = "elsewhere";

/** A relay without a link for this long accepts no newcomers, and sends its subscribers away. */
const LOST_MS = 30_000;

/** A relay that filled up in a storm faster than it could report accepts up to this multiple of its target. */
const MOST_SUBSCRIBERS = 2;

/** The platform functions that a relay needs in addition to those of every node. */
export interface RelayShell extends NodeShell {
  /** Asks `parent` to dial `relay`: `answered` gets the answer, `unreachable` the failure. */
  call(parent: string, relay: string): void;
}

/** One relay of a room. Times are ms since 1970. */
export class RelayCore {
  #id: string;
  readonly #kv: KeyValueStore;
  readonly #limits: RoomLimits & RelayLimits;
  readonly #tuning: Tuning;
  readonly node: RoomNode;
  readonly #drain: Drain;
  readonly #shell: RelayShell;
  #parent: ParentLink;
  #assignment: Assignment | undefined;
  #policy: Policy;

  /** `name`: the object's name, if it is known. */
  constructor(
    name: string | undefined,
    kv: KeyValueStore,
    limits: RoomLimits & RelayLimits,
    shell: RelayShell,
    tuning = DEFAULT_TUNING,
  ) {
    this.#kv = kv;
    this.#limits = limits;
    this.#shell = shell;
    this.#tuning = { ...tuning };
    this.#assignment = readAssignment(kv);
    this.#id = name ?? this.#assignment?.relay ?? "";
    this.#policy = policyOf(this.#assignment, this.#limits);
    this.node = new RoomNode(
      () => this.room,
      this.#tuning,
      () => this.#policy.settings,
      shell,
      (now) => {
        this.node.registry.presentElsewhere = this.node.links.present;
        this.#parent.touch(now);
      },
    );
    this.node.registry.isSpread = true;
    this.#drain = new Drain(this.node);
    this.#parent = this.#newParent();
    this.#apply(0, false);
  }

  get id(): string {
    return this.#id;
  }

  get room(): string {
    return parseRelayId(this.#id)?.room ?? "";
  }

  /** The object is in memory again: restores the remaining connections and the link. */
  restore(now: number, connections: readonly { readonly saved: Attachment; readonly sink: Sink }[]): void {
    let link: SavedLink | undefined;
    for (const { saved, sink } of connections) {
      if (saved.role === "link" && saved.generation > (link?.saved.generation ?? 0)) link = { saved, sink };
    }
    if (this.#assignment === undefined) return;
    const subscribers = connections.filter(({ saved }) => saved.role === "subscriber");
    this.#parent.restore(now, link, subscribers.length);
    this.node.restore(now, subscribers);
    if (link === undefined) this.node.hub.closeUnknown(now);
    const { drainOverMs } = this.#assignment;
    if (drainOverMs !== null) this.#drain.begin(now, drainOverMs);
  }

  /** Takes an assignment from the origin. Returns the number of connections that it closed. */
  assign(now: number, said: unknown): number {
    const assignment = parseAssignment(said);
    if (assignment.version < (this.#assignment?.version ?? 0)) return 0;
    writeAssignment(this.#kv, assignment);
    const isNew = this.#assignment === undefined;
    const had = this.#policy.settings.presence;
    this.#assignment = assignment;
    this.#id ||= assignment.relay;
    this.#policy = policyOf(this.#assignment, this.#limits);
    if (isNew) this.#reset(now);
    this.#apply(now, true);
    if (this.#policy.settings.presence !== had) this.node.members.rulesChanged(now);
    this.#parent.touch(now);
    if (assignment.drainOverMs === null) this.#drain.stop();
    else this.#drain.begin(now, assignment.drainOverMs);
    const isPublic = this.#policy.settings.public;
    return this.node.disconnect(now, Close.revoked, (_, who) =>
      who.jti === null ? !isPublic : this.#policy.admit(who) !== undefined,
    );
  }

  /** It is no longer a relay. `isOver`: the room is closed, too. */
  dismiss(now: number, isOver: boolean): void {
    forgetAssignment(this.#kv);
    forgetParked(this.#kv);
    this.#assignment = undefined;
    this.#policy = policyOf(this.#assignment, this.#limits);
    this.node.clear(now, isOver ? Close.roomClosed : Close.moved);
    this.#reset(now);
  }

  /** `by` was asked for a link. Only the origin knows for certain that a relay does not exist. */
  answered(now: number, by: string, isKnown: boolean): void {
    if (isKnown || this.#assignment === undefined) return;
    if (by === this.room) this.dismiss(now, false);
    else this.#shell.call(this.room, this.#id);
  }

  /** Decides whether a client is served here, and with which rights. */
  enter(now: number, { asked, credential }: JoinRequest): Join | Refusal | typeof ELSEWHERE {
    if (asked.role === "publish" || asked.delivery === "reliable" || credential.by === "ticket") return ELSEWHERE;
    if (!this.#isOpen(now)) return ELSEWHERE;
    const grant = this.#policy.enter(now, credential);
    if (isRefusal(grant)) return grant;
    const join = permit(asked, grant, this.#policy.settings.delivery);
    return "subscription" in join && join.subscription.delivery === "reliable" ? ELSEWHERE : join;
  }

  join(now: number, id: string, join: Join, sink: Sink): void {
    this.node.join(now, id, join, sink);
  }

  text(now: number, id: string, text: string): void {
    this.node.text(now, id, text);
  }

  binary(now: number, id: string, bytes: Uint8Array): void {
    this.node.binary(now, id, bytes);
  }

  left(now: number, id: string, drops: boolean): void {
    this.node.left(now, id, drops);
  }

  /** The link to the parent; undefined: there is no assignment, so no link is needed. */
  get parent(): ParentLink | undefined {
    return this.#assignment === undefined ? undefined : this.#parent;
  }

  /** Moves `count` of its subscribers to other objects of the room. */
  move(now: number, count: number): void {
    move(this.node, now, count);
  }

  renew(now: number, grant: Grant, connection: string): Refusal | true {
    const refused = this.#policy.admit(grant.who);
    return refused ?? this.node.renew(now, grant, connection, this.#assignment?.idsAreTold === true);
  }

  get dueAt(): number | undefined {
    if (this.#assignment === undefined) return this.node.dueAt;
    const lostAt = this.#parent.lostSince;
    const sendsAwayAt = lostAt === undefined || this.node.servesNobody ? undefined : lostAt + LOST_MS;
    return earliest([this.node.dueAt, this.#drain.dueAt, this.#parent.dueAt, sendsAwayAt]);
  }

  tick(now: number): void {
    this.node.tick(now);
    if (this.#assignment === undefined) return;
    this.#drain.tick(now);
    this.#parent.tick(now);
    this.node.links.suspend(now, this.#isForsaken(now));
    if (this.#isForsaken(now)) this.node.disconnect(now, Close.goingAway, () => true);
  }

  /** When `alarm` is needed, asleep or not. */
  get alarmAt(): number | undefined {
    return this.node.expiresAt;
  }
  alarm(now: number): void {
    this.node.expire(now);
  }

  isUnsaved(): boolean {
    return this.#assignment !== undefined && this.#parent.isUnsaved;
  }

  /** Stores changes that no call caused. Throws if storage does; it may then be called again. */
  save(): void {
    if (this.isUnsaved()) this.#parent.save();
  }

  #isForsaken(now: number): boolean {
    return now - (this.#parent.lostSince ?? now) >= LOST_MS;
  }

  #isOpen(now: number): boolean {
    const { subscribers } = this.node.registry.count;
    if (this.#assignment === undefined || this.#assignment.drainOverMs !== null || this.#isForsaken(now)) return false;
    return subscribers < MOST_SUBSCRIBERS * this.#limits.maxObjectSubscribers;
  }

  #apply(now: number, areNew: boolean): void {
    if (this.#assignment === undefined) return;
    Object.assign(this.#tuning, toCore(this.#policy.settings));
    this.node.links.set(now, this.#assignment.children, areNew);
  }

  #reset(now: number): void {
    this.#parent = this.#newParent();
    this.#parent.restore(now);
  }

  #newParent(): ParentLink {
    const call = () => this.#shell.call(this.#assignment?.parent ?? "", this.#id);
    return new ParentLink(this.#id, this.node, this.#kv, { call, random: () => this.#shell.random() });
  }
}
