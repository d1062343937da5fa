// The beginning of connections: a subscriber or a publisher joins, or was connected while the room slept.
import { Close, type CloseReason } from "../../protocol/close.ts";
import type { Start } from "../../protocol/position.ts";
import type { Attachment, Publication, Subscription, Who } from "./attachment.ts";
import { Connection, type Identity } from "./connection.ts";
import { type Departures, textOf } from "./departures.ts";
import type { LiveTrack } from "./live-track.ts";
import type { Members } from "./members.ts";
import { type Occupancy, reconnectMs } from "./occupancy.ts";
import { Publisher } from "./publisher.ts";
import type { Member, Registry } from "./registry.ts";
import type { Sink } from "./sink.ts";
import { Subscriber } from "./subscriber.ts";
import type { Tracks } from "./tracks.ts";
import { LINK_PING_MS, linkTuning, type Tuning, tuningFor } from "./tuning.ts";

/** The parts of a room that its connections use. */
export interface Venue {
  readonly room: () => string;
  readonly tuning: Tuning;
  /** Returns a new identity ([a-z0-9], at most 32) that was never used before. */
  readonly mintEpoch: () => string;
  readonly registry: Registry;
  readonly tracks: Tracks;
  readonly members: Members;
  readonly occupancy: Occupancy;
  readonly departures: Departures;
}

/** Accepts connections. Times are ms since 1970. */
export class Arrivals {
  readonly #venue: Venue;

  constructor(venue: Venue) {
    this.#venue = venue;
  }

  /**
   * After sleep: restores the remaining connections. Publishers come first, because they know the positions of their
   * tracks.
   */
  restore(now: number, connections: readonly { readonly saved: Attachment; readonly sink: Sink }[]): void {
    for (const { saved, sink } of connections) {
      if (saved.role === "publisher") this.#restorePublisher(now, saved, sink);
    }
    for (const { saved, sink } of connections) {
      if (saved.role === "subscriber") this.#restoreSubscriber(now, saved, sink);
    }
  }

  /** A subscriber joins. */
  subscribe(now: number, id: string, who: Who, subscription: Subscription, sink: Sink): void {
    if (!this.#hasPlaceFor(subscription)) return refuse(sink, Close.roomFull);
    const subscriber = this.#newSubscriber(now, id, who, subscription, sink);
    this.#welcome(subscriber, now);
    for (const live of this.#venue.tracks) this.#invite(now, live, subscriber);
    subscriber.save();
    this.#arrived(subscriber, now);
  }

  /** A publisher joins. */
  publish(now: number, id: string, who: Who, publication: Publication, sink: Sink): void {
    const { registry, tracks, tuning, mintEpoch, departures } = this.#venue;
    const known = tracks.get(publication.track);
    const { resume } = publication;
    const continues = known?.continues(publication);
    const current = known?.publisher;
    if (current === undefined) {
      const isFull = registry.count.publishers >= tuning.maxPublishers;
      if (isFull || (known === undefined && !tracks.hasPlace(now))) return refuse(sink, Close.roomFull);
    } else {
      if (!continues && !publication.takeover && !current.isSilent(now)) return refuse(sink, Close.trackBusy);
      departures.close(now, current, Close.takenOver);
    }
    const live = known ?? tracks.create(publication.track, resume?.epoch ?? mintEpoch());
    const publisher = this.#newPublisher(now, id, who, live, sink);
    this.#welcome(publisher, now);
    if (known === undefined) live.open(publication);
    else if (continues) live.wake(resume?.sequence ?? 0);
    else live.renumber(mintEpoch());
    live.describe(publication.format ?? null);
    publisher.welcome();
    live.come(publisher);
    if (known === undefined) this.announce(now, live);
    else departures.closeAll(now, live.pump(now));
    this.#arrived(publisher, now);
  }

  /** A relay was reached: it gets all tracks (null), from its position on. A recorder gets its own track. */
  link(now: number, id: string, start: Start, sink: Sink, names: readonly string[] | null = null): Subscriber {
    const { registry, tracks } = this.#venue;
    const tuning = linkTuning(this.#venue.tuning);
    const connection = this.#connect(
      { id, role: "subscribe", framed: true, who: NOBODY, pingMs: LINK_PING_MS },
      sink,
      tuning,
      now,
    );
    const link = new Subscriber(connection, { framed: true, tracks: names, start, delivery: "live" }, tuning);
    registry.addLink(link);
    if (names === null) {
      this.#venue.occupancy.tellOne(connection, registry);
      this.#venue.members.join(now, connection);
    }
    for (const live of tracks) this.#invite(now, live, link);
    return link;
  }

  /** A track exists now: sends it to each subscriber that wants it and does not have it. */
  announce(now: number, live: LiveTrack): void {
    for (const one of [...this.#venue.registry.subscribers.values()]) this.#invite(now, live, one);
    this.announceToLinks(now, live);
  }

  /** The same, only for the relays below. */
  announceToLinks(now: number, live: LiveTrack): void {
    for (const one of [...this.#venue.registry.links.values()]) this.#invite(now, live, one);
  }

  /** Sends the track to the subscriber, if it wants it and is still connected. */
  #invite(now: number, live: LiveTrack, subscriber: Subscriber): void {
    const { registry, departures } = this.#venue;
    if (!registry.has(subscriber) || !subscriber.wants(live.track)) return;
    if (subscriber.cursors.get(live.track) !== undefined) return;
    // It is announced when its past has arrived.
    if (live.track.isFilling && !registry.links.has(subscriber.id)) return;
    departures.closeAll(now, live.join(now, subscriber));
  }

  #hasPlaceFor({ delivery }: Subscription): boolean {
    const { registry, tuning } = this.#venue;
    if (registry.total.subscribers >= tuning.maxSubscribers) return false;
    return delivery !== "reliable" || registry.countReliable() < tuning.maxReliable;
  }

  #welcome({ connection }: Member, now: number): void {
    const { registry } = this.#venue;
    const spread = reconnectMs(registry.count);
    connection.tell({ type: "welcome", connection: connection.id, room: this.#venue.room(), now, reconnectMs: spread });
  }

  /** Tells a new connection the occupancy, and the others if it is time. */
  #arrived({ id, connection }: Member, now: number): void {
    const { registry, occupancy, members } = this.#venue;
    const isTold = occupancy.tell(now, registry);
    if (registry.find(id) === undefined) return;
    if (!isTold) occupancy.tellOne(connection, registry);
    members.join(now, connection);
  }

  #restorePublisher(now: number, saved: Attachment & { role: "publisher" }, sink: Sink): void {
    const { tracks } = this.#venue;
    const live = tracks.get(saved.track) ?? tracks.create(saved.track, saved.epoch, saved.number);
    live.track.restore(saved.mayReach);
    live.track.format = saved.format ?? null;
    live.restore(this.#newPublisher(now, saved.id, saved.who, live, sink));
  }

  #restoreSubscriber(now: number, saved: Attachment & { role: "subscriber" }, sink: Sink): void {
    const { tracks } = this.#venue;
    const subscriber = this.#newSubscriber(now, saved.id, saved.who, saved.subscription, sink);
    if (saved.credit !== null) subscriber.grant(saved.credit);
    for (const { name, number, epoch, told, state } of saved.cursors) {
      const live = tracks.get(name) ?? tracks.create(name, epoch, number);
      subscriber.restore(live.track, state, told);
      // A relay whose link was parked knows the positions of its subscribers that are in step.
      if (live.track.next !== null) subscriber.cursors.get(live.track)?.wake(live.track.next);
      live.fanOut.restore(subscriber);
    }
  }

  #newSubscriber(now: number, id: string, who: Who, subscription: Subscription, sink: Sink): Subscriber {
    const tuning = tuningFor(subscription.delivery, this.#venue.tuning);
    const { framed, pingMs } = subscription;
    const connection = this.#connect({ id, role: "subscribe", framed, who, pingMs }, sink, tuning, now);
    const subscriber = new Subscriber(connection, subscription, tuning);
    this.#venue.registry.addSubscriber(subscriber);
    return subscriber;
  }

  #newPublisher(now: number, id: string, who: Who, { track }: LiveTrack, sink: Sink): Publisher {
    const { tuning, registry } = this.#venue;
    const connection = this.#connect({ id, role: "publish", framed: true, who }, sink, tuning, now);
    const publisher = new Publisher(connection, track, tuning);
    registry.addPublisher(publisher);
    return publisher;
  }

  #connect(identity: Identity, sink: Sink, tuning: Tuning, now: number): Connection {
    return new Connection(identity, sink, tuning, this.#venue.registry.budget, now);
  }
}

/** A link belongs to no token. */
const NOBODY: Who = { subject: undefined, jti: null, issuedAt: 0, expiresAt: null };

function refuse(sink: Sink, reason: CloseReason): void {
  sink.close(reason.code, textOf(reason));
}
