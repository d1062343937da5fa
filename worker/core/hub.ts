// The room's streams: what happens when a connection joins, sends something, or leaves.
import { Close, type CloseReason, closeFor } from "../../protocol/close.ts";
import { type ClientMessage, parseClientMessage } from "../../protocol/control.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { TEXTS_BURST, TEXTS_PER_SECOND } from "../../protocol/limits.ts";
import { Arrivals } from "./arrivals.ts";
import type { Attachment, Publication, Subscription, Who } from "./attachment.ts";
import { Departures } from "./departures.ts";
import { earliest } from "./earliest.ts";
import { IngressLimit } from "./ingress-limit.ts";
import type { LinkVenue } from "./links.ts";
import type { Members } from "./members.ts";
import { Occupancy } from "./occupancy.ts";
import type { Publisher } from "./publisher.ts";
import type { Member, Registry } from "./registry.ts";
import type { Sink } from "./sink.ts";
import { Subscriber } from "./subscriber.ts";
import { TokenBucket } from "./token-bucket.ts";
import { Tracks } from "./tracks.ts";
import type { Tuning } from "./tuning.ts";
import { type Basin, Uplink } from "./uplink.ts";

/** All streams of a room, without sockets, timers and storage. Times are ms since 1970. Calls never wait or throw. */
export class Hub {
  readonly #room: () => string;
  readonly #registry: Registry;
  readonly #members: Members;
  readonly #tracks: Tracks;
  readonly #occupancy: Occupancy;
  readonly #arrivals: Arrivals;
  readonly #departures: Departures;
  readonly #ingress: IngressLimit;
  readonly #texts = new WeakMap<Member, TokenBucket>();
  #awakeSince = 0;
  #framesReceived = 0;
  #bytesReceived = 0;

  /**
   * `mintEpoch` returns a new identity ([a-z0-9], at most 32) that was never used before. `tuning` is read at each use,
   * because its owner may change it. Messages to others go to `members`, which also learns of joins and leaves.
   */
  constructor(room: () => string, tuning: Tuning, mintEpoch: () => string, registry: Registry, members: Members) {
    this.#room = room;
    this.#registry = registry;
    this.#members = members;
    this.#tracks = new Tracks(tuning, registry.budget);
    this.#occupancy = new Occupancy(tuning.occupancyMs);
    this.#ingress = new IngressLimit(tuning);
    const [tracks, occupancy] = [this.#tracks, this.#occupancy];
    this.#departures = new Departures(registry, tracks, members);
    const departures = this.#departures;
    this.#arrivals = new Arrivals({ room, tuning, mintEpoch, registry, tracks, members, occupancy, departures });
  }

  /** The object is in memory again: restores the remaining connections. */
  restore(now: number, connections: readonly { readonly saved: Attachment; readonly sink: Sink }[]): void {
    this.#awakeSince = now;
    this.#arrivals.restore(now, connections);
    // For subscribers of a relay's track that was not ready when the relay fell asleep.
    for (const live of this.#tracks) this.#arrivals.announce(now, live);
    this.#occupancy.told(this.#registry.total, Number.NEGATIVE_INFINITY);
    this.#members.restore(now);
  }

  /** A relay's end of its link, whose data become the tracks. `ask` sends a message to the parent. */
  newUplink(ask: Basin["ask"]): Uplink {
    this.#tracks.areCopies = true;
    return new Uplink({ tracks: this.#tracks, arrivals: this.#arrivals, departures: this.#departures, ask });
  }

  /** After sleep: closes subscribers whose position in a track is unknown. They reconnect, and send their position. */
  closeUnknown(now: number): void {
    for (const subscriber of [...this.#registry.subscribers.values()]) {
      if (subscriber.cursors.isLost) this.#departures.close(now, subscriber, Close.goingAway);
    }
  }

  /** A subscriber joins. */
  subscribe(now: number, id: string, who: Who, subscription: Subscription, sink: Sink): void {
    this.#departures.checkSilence(now);
    this.#arrivals.subscribe(now, id, who, subscription, sink);
  }

  /** A publisher joins. */
  publish(now: number, id: string, who: Who, publication: Publication, sink: Sink): void {
    this.#departures.checkSilence(now);
    this.#arrivals.publish(now, id, who, publication, sink);
  }

  /** A binary message arrived. */
  binary(now: number, id: string, bytes: Uint8Array): void {
    this.#guard(now, id, (member) => {
      if (member instanceof Subscriber) throw new ProtocolError("not_allowed", "a subscriber must not send frames");
      this.#receive(now, member, bytes);
    });
  }

  /** A text message arrived. */
  text(now: number, id: string, text: string): void {
    this.#guard(now, id, (member) => {
      this.#countText(now, member);
      this.#control(now, member, parseClientMessage(text));
    });
  }

  /** A peer is gone; `drops`: its queue is gone, too. */
  left(now: number, id: string, drops: boolean): void {
    this.#departures.left(now, id, drops);
    this.#occupancy.tell(now, this.#registry);
  }

  /** Does the work that is due; see `dueAt`. */
  tick(now: number): void {
    const { publishers } = this.#registry;
    this.#registry.tick(now);
    if (this.#ingress.release(now)) this.#holdIntake(now, false);
    for (const publisher of publishers.values()) publisher.tick(now);
    for (const live of this.#tracks) this.#departures.closeAll(now, live.tick(now));
    this.#departures.checkSilence(now);
    this.#occupancy.tell(now, this.#registry);
  }

  /** When `tick` is needed; undefined: nothing waits, so the room may sleep. */
  get dueAt(): number | undefined {
    const { isEmpty, total, publishers } = this.#registry;
    let due = earliest([this.#registry.dueAt, this.#ingress.dueAt, isEmpty ? undefined : this.#occupancy.dueAt(total)]);
    for (const { ackDueAt } of publishers.values()) due = earliest([due, ackDueAt]);
    for (const { dueAt } of this.#tracks) due = earliest([due, dueAt]);
    return due;
  }

  /** The room's description of itself. */
  snapshot(now: number) {
    const counters = { framesReceived: this.#framesReceived, bytesReceived: this.#bytesReceived };
    const { total } = this.#registry;
    return {
      room: this.#room(),
      now,
      awakeSince: this.#awakeSince,
      ...total,
      counters,
      tracks: this.#tracks.figures(),
    };
  }

  /** The parts that links need. */
  get venue(): LinkVenue {
    const [registry, tracks, occupancy] = [this.#registry, this.#tracks, this.#occupancy];
    return { registry, tracks, occupancy, arrivals: this.#arrivals, departures: this.#departures };
  }

  /** The occupancy of the whole room changed: tells all connections if it is time. */
  tellOccupancy(now: number): void {
    this.#occupancy.tell(now, this.#registry);
  }

  /** True if any track has a source. */
  get isOnline(): boolean {
    for (const { source } of this.#tracks) if (source.state === "online") return true;
    return false;
  }

  sendsPerSecond(now: number): number {
    return this.#tracks.sendsPerSecond(now);
  }

  /** Closes connections whose token or id `matches`. Returns their number. */
  disconnect(now: number, reason: CloseReason, matches: (id: string, who: Who) => boolean): number {
    const chosen = [...this.#registry].filter(({ id, connection }) => matches(id, connection.who));
    for (const member of chosen) this.#departures.close(now, member, reason);
    this.#occupancy.tell(now, this.#registry);
    return chosen.length;
  }

  #receive(now: number, publisher: Publisher, bytes: Uint8Array): void {
    const live = this.#tracks.get(publisher.track.name);
    if (live === undefined) return;
    const incoming = publisher.receive(bytes, now, (sequence) => live.wake(sequence));
    this.#bytesReceived += bytes.byteLength;
    if (this.#ingress.charge(bytes.byteLength, now)) this.#holdIntake(now, true);
    if (incoming.is === "init") live.track.setInit(incoming.payload);
    if (incoming.is === "frames") {
      this.#framesReceived += incoming.frames.length;
      live.track.append(incoming.bytes, incoming.frames, now);
      this.#tracks.boundHistory(now);
      this.#departures.closeAll(now, live.advance(now));
    }
    publisher.acknowledge(now, incoming.is === "duplicate");
  }

  #control(now: number, member: Member, message: ClientMessage): void {
    if (message.type === "message") return this.#members.say(now, member.connection, message);
    if (member instanceof Subscriber) {
      if (message.type !== "credit" || !member.isReliable) {
        throw new ProtocolError("not_allowed", `this subscriber must not send ${message.type}`);
      }
      return this.#credit(now, member, message.bytes);
    }
    const live = this.#tracks.get(member.track.name);
    if (message.type === "credit") throw new ProtocolError("not_allowed", "a publisher must not send credit");
    if (message.type === "format") return this.#describe(now, member, message.format);
    if (message.type === "sync") live?.wake(message.sequence);
    else member.skip(message.from, message.to, now);
    member.acknowledge(now, true);
    if (message.type === "gap" && live !== undefined) this.#departures.closeAll(now, live.advance(now));
  }

  /** The publisher declares its track's format. */
  #describe(now: number, publisher: Publisher, format: string): void {
    publisher.countNews(now);
    this.#tracks.get(publisher.track.name)?.describe(format);
    publisher.save();
  }

  /** Serves only this subscriber: credit changes nothing for others. */
  #credit(now: number, subscriber: Subscriber, bytes: number): void {
    subscriber.grant(bytes);
    for (const live of this.#tracks) {
      const isThere = this.#registry.find(subscriber.id) !== undefined;
      if (isThere && subscriber.wants(live.track)) this.#departures.closeAll(now, live.serve(now, subscriber));
    }
    subscriber.save();
  }

  #holdIntake(now: number, held: boolean): void {
    const { publishers } = this.#registry;
    for (const publisher of publishers.values()) publisher.hold(held, now, "intake");
  }

  #countText(now: number, member: Member): void {
    const bucket = this.#texts.get(member) ?? new TokenBucket(TEXTS_PER_SECOND, TEXTS_BURST);
    this.#texts.set(member, bucket);
    if (!bucket.take(1, now)) throw new ProtocolError("too_fast", "too many text messages");
  }

  /** A violation by a peer ends its own connection and nothing else. */
  #guard(now: number, id: string, run: (member: Member) => void): void {
    const member = this.#registry.find(id);
    if (member === undefined) return;
    member.connection.heard(now);
    try {
      run(member);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#departures.close(now, member, closeFor(error.code), `${error.code}: ${error.message}`);
    }
    this.#departures.checkSilence(now);
  }
}
