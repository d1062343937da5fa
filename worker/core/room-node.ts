// One object of a room, the origin or a relay: its connections, their frames, the expiry of their tokens, and the
// relays below.
import { Close, type CloseReason } from "../../protocol/close.ts";
import type { Attachment, Who } from "./attachment.ts";
import { type Grant, type Join, renewal } from "./authorize.ts";
import { ByteBudget } from "./byte-budget.ts";
import { earliest } from "./earliest.ts";
import { Expiry } from "./expiry.ts";
import type { Load } from "./growth-limits.ts";
import { Hub } from "./hub.ts";
import { type LinkShell, Links, type OnNews } from "./links.ts";
import { type MemberRules, Members, type Post } from "./members.ts";
import { isRefusal, type Refusal, refusal } from "./refusal.ts";
import { Registry } from "./registry.ts";
import { expiryOf, isExpired } from "./revocations.ts";
import type { Sink } from "./sink.ts";
import { TO_RECORDERS } from "./to-recorders.ts";
import type { Tuning } from "./tuning.ts";

export const NO_CONNECTION = refusal("connection_not_found", "it may have closed already");

/** The platform functions that a node needs. None of them throws. */
export interface NodeShell extends LinkShell {
  /** Opens a link to a recorder, as `dial` does for a relay. */
  dialRecorder?(recorder: string, generation: number): void;
  /** Returns a new identity ([a-z0-9], at most 32) that was never used before. */
  mintEpoch(): string;
  /** Delivers a member's message in the whole room, if the room has other objects. */
  readonly post: Post;
}

/** The common part of origin and relay. Times are ms since 1970. */
export class RoomNode {
  readonly registry: Registry;
  readonly members: Members;
  readonly #room: () => string;
  readonly #tuning: Tuning;
  readonly #shell: NodeShell;
  readonly #onNews: OnNews;
  readonly #expiry = new Expiry();
  #hub: Hub;
  #links: Links;
  #recorders: Links;

  /** `tuning` and `rules` are read at each use. `onNews` gets the news of the relays below. */
  constructor(room: () => string, tuning: Tuning, rules: () => MemberRules, shell: NodeShell, onNews: OnNews) {
    this.#room = room;
    this.#tuning = tuning;
    this.#shell = shell;
    this.#onNews = onNews;
    this.registry = new Registry(new ByteBudget(tuning));
    this.members = new Members(this.registry, rules, shell.post);
    this.#hub = this.#newHub();
    this.#links = this.#newLinks();
    this.#recorders = this.#newRecorders();
  }

  get hub(): Hub {
    return this.#hub;
  }

  get links(): Links {
    return this.#links;
  }

  /** The links to recorders. */
  get recorders(): Links {
    return this.#recorders;
  }

  get trackNames(): string[] {
    return Array.from(this.#hub.venue.tracks, ({ track }) => track.name);
  }

  /** The load of this object, without the relays below it. */
  load(now: number): Load {
    return {
      subscribers: this.registry.count.subscribers,
      sendsPerSecond: Math.round(this.#hub.sendsPerSecond(now)),
      queuedBytes: this.registry.budget.queuedBytes,
    };
  }

  /**
   * A fingerprint of the data reported with the load: presence, and the loads of the relays below. It changes whenever
   * they do.
   */
  get loadForm(): string {
    let form = this.members.presentForm;
    for (const { id, subscribers, sendsPerSecond } of this.#links.loads)
      form += ` ${id} ${subscribers} ${sendsPerSecond}`;
    return form;
  }

  /** True if nobody, here or below, needs to know that no more frames come. */
  get servesNobody(): boolean {
    return this.registry.isEmpty && (this.#links.isSuspended || this.#links.ids.length === 0);
  }

  restore(now: number, connections: readonly { readonly saved: Attachment; readonly sink: Sink }[]): void {
    this.#hub.restore(now, connections);
    this.expire(now);
    // The relays below know whether they have subscribers.
    this.#check(now);
  }

  /** A client joins. Returns false if it was refused. */
  join(now: number, id: string, join: Join, sink: Sink): boolean {
    const { who } = join;
    if (join.role === "publish") this.#hub.publish(now, id, who, join.publication, sink);
    else this.#hub.subscribe(now, id, who, join.subscription, sink);
    if (this.registry.find(id) === undefined) return false;
    this.heed(now, who);
    this.#check(now);
    return true;
  }

  text(now: number, id: string, text: string): void {
    if (this.#expiry.isDue(now)) this.expire(now);
    this.#hub.text(now, id, text);
    this.#check(now);
  }

  binary(now: number, id: string, bytes: Uint8Array): void {
    if (this.#expiry.isDue(now)) this.expire(now);
    this.#hub.binary(now, id, bytes);
    this.#check(now);
  }

  left(now: number, id: string, drops: boolean): void {
    this.#hub.left(now, id, drops);
    this.#check(now);
  }

  /** When `tick` is needed, while the object is in memory; undefined: nothing waits, so it may sleep. */
  get dueAt(): number | undefined {
    return earliest([
      this.#hub.dueAt,
      this.members.dueAt,
      this.#expiry.dueAt,
      this.#links.dueAt,
      this.#recorders.dueAt,
    ]);
  }

  tick(now: number): void {
    if (this.#expiry.isDue(now)) this.expire(now);
    this.#hub.tick(now);
    this.members.tick(now);
    this.#links.tick(now);
    this.#recorders.tick(now);
    this.#check(now);
  }

  /** Relays reported their loads, which give the size of the room. */
  countElsewhere(): void {
    const subscribers = this.#links.loads.reduce((sum, load) => sum + load.subscribers, 0);
    this.registry.elsewhere = { subscribers, publishers: 0 };
    this.registry.presentElsewhere = this.#links.present;
    this.members.changedElsewhere();
  }

  /** When the first token of a member expires, asleep or not. */
  get expiresAt(): number | undefined {
    return this.#expiry.alarmAt;
  }

  /** A connection continues with another token, which has been validated. */
  renew(now: number, grant: Grant, connection: string, idsAreTold: boolean): Refusal | true {
    const found = this.registry.find(connection);
    if (found === undefined) return NO_CONNECTION;
    const who = renewal(found.usage, grant, idsAreTold);
    if (isRefusal(who)) return who;
    found.connection.who = who;
    found.save();
    this.heed(now, who);
    return true;
  }

  /** The connection of `who` ends with its token. */
  heed(now: number, who: Who): void {
    if (who.expiresAt !== null) this.#expiry.add(expiryOf(who.expiresAt));
    if (this.#expiry.isDue(now)) this.expire(now);
  }

  /** Closes connections whose tokens have expired. */
  expire(now: number): void {
    this.disconnect(now, Close.tokenExpired, (_, who) => isExpired(who, now));
    this.#expiry.reset(this.registry.expiresAt);
  }

  /** Closes one connection. Returns false if there is none with that id. */
  kick(now: number, connection: string): boolean {
    return this.disconnect(now, Close.kicked, (id) => id === connection) > 0;
  }

  /** Closes connections whose token or id `matches`. Returns their number. */
  disconnect(now: number, reason: CloseReason, matches: (id: string, who: Who) => boolean): number {
    return this.#hub.disconnect(now, reason, matches);
  }

  /** Closes all connections and links, and drops all tracks. */
  clear(now: number, reason: CloseReason): void {
    this.disconnect(now, reason, () => true);
    this.#links.set(now, [], false);
    this.#recorders.set(now, [], false);
    this.registry.elsewhere = { subscribers: 0, publishers: 0 };
    this.#hub = this.#newHub();
    this.#links = this.#newLinks();
    this.#recorders = this.#newRecorders();
    this.#expiry.reset(undefined);
  }

  /** Frames may have come for parked links, which are then dialled. */
  #check(now: number): void {
    this.#links.check(now);
    this.#recorders.check(now);
  }

  #newHub(): Hub {
    return new Hub(this.#room, this.#tuning, () => this.#shell.mintEpoch(), this.registry, this.members);
  }

  #newLinks(): Links {
    return new Links(this.#hub.venue, this.#shell, this.#onNews);
  }

  #newRecorders(): Links {
    const dial = (recorder: string, generation: number) => this.#shell.dialRecorder?.(recorder, generation);
    return new Links(
      this.#hub.venue,
      { ...this.#shell, dial, random: () => this.#shell.random() },
      () => {},
      TO_RECORDERS,
    );
  }
}
