// How connections begin: a subscriber or a publisher comes, or was there while the room slept.
import { Close, type CloseReason } from "../../protocol/close.ts";
import type { Attachment, Publication, Subscription, Who } from "./attachment.ts";
import { Connection, type Identity } from "./connection.ts";
import { type Departures, textOf } from "./departures.ts";
import type { LiveTrack } from "./live-track.ts";
import type { Members } from "./members.ts";
import { type Occupancy, occupancyOf, reconnectMs } from "./occupancy.ts";
import { Publisher } from "./publisher.ts";
import type { Member, Registry } from "./registry.ts";
import type { Sink } from "./sink.ts";
import { Subscriber } from "./subscriber.ts";
import type { Tracks } from "./tracks.ts";
import { type Tuning, tuningFor } from "./tuning.ts";

/** What a room's connections come into. */
export interface Venue {
  readonly room: string;
  readonly tuning: Tuning;
  /** Gives a new identity ([a-z0-9], at most 32) that was never used before. */
  readonly mintEpoch: () => string;
  readonly registry: Registry;
  readonly tracks: Tracks;
  readonly members: Members;
  readonly occupancy: Occupancy;
  readonly departures: Departures;
}

/** Takes connections in. Times are ms since 1970. */
export class Arrivals {
  readonly #venue: Venue;

  constructor(venue: Venue) {
    this.#venue = venue;
  }

  /** After sleep: the connections that are still there. Publishers first, since they know where their tracks stand. */
  restore(now: number, connections: readonly { readonly saved: Attachment; readonly sink: Sink }[]): void {
    for (const { saved, sink } of connections) {
      if (saved.role === "publisher") this.#restorePublisher(now, saved, sink);
    }
    for (const { saved, sink } of connections) {
      if (saved.role === "subscriber") this.#restoreSubscriber(now, saved, sink);
    }
  }

  /** A subscriber comes. */
  subscribe(now: number, id: string, who: Who, subscription: Subscription, sink: Sink): void {
    if (!this.#hasPlaceFor(subscription)) return refuse(sink, Close.roomFull);
    const subscriber = this.#newSubscriber(now, id, who, subscription, sink);
    this.#welcome(subscriber, now);
    for (const live of this.#venue.tracks) this.#invite(now, live, subscriber);
    subscriber.save();
    this.#arrived(subscriber, now);
  }

  /** A publisher comes. */
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
    publisher.welcome();
    live.come(publisher);
    if (known === undefined)
      for (const subscriber of registry.subscribers.values()) this.#invite(now, live, subscriber);
    else departures.closeAll(now, live.pump(now));
    this.#arrived(publisher, now);
  }

  /** The subscriber gets the track, if it wants it and is still there. */
  #invite(now: number, live: LiveTrack, subscriber: Subscriber): void {
    const { registry, departures } = this.#venue;
    if (registry.find(subscriber.id) === undefined || !subscriber.wants(live.track)) return;
    departures.closeAll(now, live.join(now, subscriber));
  }

  #hasPlaceFor({ delivery }: Subscription): boolean {
    const { registry, tuning } = this.#venue;
    if (registry.count.subscribers >= tuning.maxSubscribers) return false;
    return delivery !== "reliable" || registry.countReliable() < tuning.maxReliable;
  }

  #welcome({ connection }: Member, now: number): void {
    const { room, registry } = this.#venue;
    const spread = reconnectMs(registry.count);
    connection.tell({ type: "welcome", connection: connection.id, room, now, reconnectMs: spread });
  }

  /** Everybody who comes is told how many are there; the others too, where it is time. */
  #arrived({ id, connection }: Member, now: number): void {
    const { registry, occupancy, members } = this.#venue;
    const isTold = occupancy.tell(now, registry);
    if (registry.find(id) === undefined) return;
    if (!isTold) connection.tell(occupancyOf(registry.count));
    members.join(now, connection);
  }

  #restorePublisher(now: number, saved: Attachment & { role: "publisher" }, sink: Sink): void {
    const { tracks } = this.#venue;
    const live = tracks.get(saved.track) ?? tracks.create(saved.track, saved.epoch, saved.number);
    live.track.restore(saved.mayReach);
    live.restore(this.#newPublisher(now, saved.id, saved.who, live, sink));
  }

  #restoreSubscriber(now: number, saved: Attachment & { role: "subscriber" }, sink: Sink): void {
    const { tracks } = this.#venue;
    const subscriber = this.#newSubscriber(now, saved.id, saved.who, saved.subscription, sink);
    if (saved.credit !== null) subscriber.grant(saved.credit);
    for (const { name, number, epoch, told, state } of saved.cursors) {
      const live = tracks.get(name) ?? tracks.create(name, epoch, number);
      subscriber.restore(live.track, state, told);
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

function refuse(sink: Sink, reason: CloseReason): void {
  sink.close(reason.code, textOf(reason));
}
