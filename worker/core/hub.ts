// The room: its connections, its tracks, and what happens when one of them says something, comes or goes.
import { Close, type CloseReason, closeFor, closeText } from "../../protocol/close.ts";
import { type ClientMessage, parseClientMessage } from "../../protocol/control.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { TEXTS_BURST, TEXTS_PER_SECOND } from "../../protocol/limits.ts";
import type { Attachment, Publication, Subscription, Who } from "./attachment.ts";
import type { Closing } from "./fan-out.ts";
import { IngressLimit } from "./ingress-limit.ts";
import type { Members } from "./members.ts";
import { Occupancy } from "./occupancy.ts";
import { Publisher } from "./publisher.ts";
import { type Connection, Registry } from "./registry.ts";
import type { Sink } from "./sink.ts";
import { Subscriber } from "./subscriber.ts";
import { TokenBucket } from "./token-bucket.ts";
import { Tracks } from "./tracks.ts";
import type { Tuning } from "./tuning.ts";

/** When a client that was refused a place may come back. */
const BUSY_RETRY_MS = 2000;

/** All of a room but sockets, timers and storage. Times are ms since 1970; calls are synchronous and never throw. */
export class Hub {
  readonly #room: string;
  readonly #settings: Tuning;
  readonly #mintEpoch: () => string;
  readonly #connections = new Registry();
  readonly #tracks: Tracks;
  readonly #occupancy: Occupancy;
  readonly #intake: IngressLimit;
  readonly #texts = new WeakMap<Connection, TokenBucket>();
  readonly #members: Members | undefined;
  #awakeSince = 0;
  #framesReceived = 0;
  #bytesReceived = 0;

  /**
   * `mintEpoch` gives a new identity ([a-z0-9], at most 32) that was never used before. `settings` are read at each use: their
   * owner may change them. Messages to others go to `members`.
   */
  constructor(room: string, settings: Tuning, mintEpoch: () => string, members?: Members) {
    this.#room = room;
    this.#settings = settings;
    this.#mintEpoch = mintEpoch;
    this.#tracks = new Tracks(settings);
    this.#occupancy = new Occupancy(settings.occupancyMs);
    this.#intake = new IngressLimit(settings);
    this.#members = members;
  }

  /** The object is in memory again: the connections that are still there. */
  restore(now: number, connections: readonly { readonly saved: Attachment; readonly sink: Sink }[]): void {
    this.#awakeSince = now;
    for (const { saved, sink } of connections) {
      if (saved.role === "publisher") this.#restorePublisher(now, saved, sink);
    }
    for (const { saved, sink } of connections) {
      if (saved.role === "subscriber") this.#restoreSubscriber(now, saved, sink);
    }
    this.#occupancy.told(this.#connections.count, Number.NEGATIVE_INFINITY);
  }

  /** A subscriber comes. */
  subscribe(now: number, id: string, who: Who, subscription: Subscription, sink: Sink): void {
    if (this.#audience.size >= this.#settings.maxSubscribers) return refuse(sink, Close.roomFull);
    const subscriber = new Subscriber(id, who, subscription, sink, this.#settings, now);
    this.#audience.set(id, subscriber);
    subscriber.tell({ type: "welcome", connection: id, room: this.#room, now });
    for (const fanOut of this.#tracks) {
      if (!subscriber.wants(fanOut.track)) continue;
      subscriber.attach(fanOut.track, now);
      subscriber.tell(fanOut.source);
      this.#close(fanOut.join(now, subscriber));
    }
    subscriber.save();
    this.#tellOccupancy(now);
  }

  /** A publisher comes. */
  publish(now: number, id: string, who: Who, publication: Publication, sink: Sink): void {
    const known = this.#tracks.get(publication.track);
    const { resume } = publication;
    const continues = known?.continues(publication);
    const current = known?.publisher;
    if (current === undefined) {
      const isFull = this.#connections.publishers.size >= this.#settings.maxPublishers;
      if (isFull || (known === undefined && this.#tracks.isFull)) return refuse(sink, Close.roomFull);
    } else {
      if (!continues && !publication.takeover && !current.isSilent(now)) return refuse(sink, Close.trackBusy);
      this.#disconnect(current, Close.takenOver);
    }
    const fanOut = known ?? this.#tracks.create(publication.track, resume?.epoch ?? this.#mintEpoch());
    const publisher = new Publisher(id, who, fanOut.track, sink, this.#settings, now);
    publisher.tell({ type: "welcome", connection: id, room: this.#room, now });
    if (known === undefined) fanOut.open(now, this.#audience, publication);
    else if (continues) fanOut.wake(this.#audience, resume?.sequence ?? 0);
    else fanOut.renumber(this.#audience, this.#mintEpoch());
    this.#connections.publishers.set(id, publisher);
    fanOut.publisher = publisher;
    publisher.welcome();
    fanOut.tell(this.#audience, fanOut.source);
    this.#close(fanOut.pump(now, this.#audience));
    this.#tellOccupancy(now);
  }

  /** A binary message came. */
  binary(now: number, id: string, bytes: Uint8Array): void {
    this.#guard(id, () => {
      const publisher = this.#connections.publishers.get(id);
      if (publisher !== undefined) return this.#receive(now, publisher, bytes);
      if (this.#audience.has(id)) throw new ProtocolError("not_allowed", "a subscriber sends no frames");
    });
  }

  /** A text message came. */
  text(now: number, id: string, text: string): void {
    this.#guard(id, () => {
      this.#countText(now, id);
      this.#control(now, id, parseClientMessage(text));
    });
  }

  /** A connection is gone. */
  left(now: number, id: string): void {
    this.#audience.delete(id);
    const publisher = this.#connections.publishers.get(id);
    if (publisher !== undefined) this.#forget(publisher);
    this.#tellOccupancy(now);
  }

  /** Time has come; see `dueAt`. */
  tick(now: number): void {
    if (this.#intake.release(now)) this.#holdIntake(now, false);
    for (const fanOut of this.#tracks) this.#close(fanOut.tick(now, this.#audience));
    this.#tellOccupancy(now);
  }

  /** When `tick` is wanted; undefined: nothing waits, the room may sleep. */
  get dueAt(): number | undefined {
    let due = this.isEmpty ? undefined : this.#occupancy.dueAt(this.#connections.count);
    for (const { dueAt } of [this.#intake, ...this.#tracks]) {
      if (dueAt !== undefined) due = Math.min(due ?? Number.POSITIVE_INFINITY, dueAt);
    }
    return due;
  }

  get isEmpty(): boolean {
    return this.#connections.isEmpty;
  }

  /** A connection that is in the room. */
  find(id: string): Connection | undefined {
    return this.#connections.find(id);
  }

  /** When the first token of those who are here ceases to count; undefined: none does. */
  get expiresAt(): number | undefined {
    return this.#connections.expiresAt;
  }

  /** What the room tells of itself. */
  snapshot(now: number) {
    const counters = { framesReceived: this.#framesReceived, bytesReceived: this.#bytesReceived };
    const { count } = this.#connections;
    return { room: this.#room, now, awakeSince: this.#awakeSince, ...count, counters, tracks: this.#tracks.figures() };
  }

  /** Every connection with its figures. */
  connections(now: number) {
    return this.#connections.figures(now);
  }

  /** Closes those whose token `matches`, or whose id it is; answers how many. */
  disconnect(now: number, reason: CloseReason, matches: (id: string, who: Who) => boolean): number {
    const chosen = [...this.#connections].filter(({ id, who }) => matches(id, who));
    for (const connection of chosen) this.#disconnect(connection, reason);
    this.#tellOccupancy(now);
    return chosen.length;
  }

  #receive(now: number, publisher: Publisher, bytes: Uint8Array): void {
    const fanOut = this.#tracks.get(publisher.track.name);
    if (fanOut === undefined) return;
    const { track } = fanOut;
    const incoming = publisher.receive(bytes, now, (sequence) => fanOut.wake(this.#audience, sequence));
    this.#bytesReceived += bytes.byteLength;
    if (this.#intake.charge(bytes.byteLength, now)) this.#holdIntake(now, true);
    if (incoming.is === "init") track.setInit(incoming.payload);
    if (incoming.is === "frames") {
      this.#framesReceived += incoming.frames.length;
      track.append(incoming.bytes, incoming.frames, now);
      this.#tracks.boundHistory(now);
      this.#close(fanOut.advance(now, this.#audience));
    }
    publisher.acknowledge(now, incoming.is === "duplicate");
  }

  #control(now: number, id: string, message: ClientMessage): void {
    const publisher = this.#connections.publishers.get(id);
    const subscriber = this.#audience.get(id);
    if (message.type === "credit" && subscriber?.subscription.delivery === "reliable") {
      subscriber.grant(message.bytes, now);
      subscriber.save();
      for (const fanOut of this.#tracks) this.#close(fanOut.pump(now, this.#audience));
    } else if (message.type === "sync" && publisher !== undefined) {
      const fanOut = this.#tracks.get(publisher.track.name);
      fanOut?.wake(this.#audience, message.sequence);
      publisher.acknowledge(now, true);
    } else if (message.type === "gap" && publisher !== undefined) {
      publisher.skip(message.from, message.to);
      publisher.acknowledge(now, true);
      const fanOut = this.#tracks.get(publisher.track.name);
      if (fanOut !== undefined) this.#close(fanOut.advance(now, this.#audience));
    } else if (message.type === "message" && this.#members !== undefined) {
      this.#members.say(now, id, message);
    } else if (publisher !== undefined || subscriber !== undefined) {
      throw new ProtocolError("not_allowed", `this connection sends no ${message.type}`);
    }
  }

  #holdIntake(now: number, held: boolean): void {
    for (const publisher of this.#connections.publishers.values()) publisher.hold(held, now, "intake");
  }

  #countText(now: number, id: string): void {
    const connection = this.#connections.find(id);
    if (connection === undefined) return;
    const bucket = this.#texts.get(connection) ?? new TokenBucket(TEXTS_PER_SECOND, TEXTS_BURST);
    this.#texts.set(connection, bucket);
    if (!bucket.take(1, now)) throw new ProtocolError("too_fast", "too many text messages");
  }

  #restorePublisher(now: number, saved: Attachment & { role: "publisher" }, sink: Sink): void {
    const fanOut = this.#tracks.get(saved.track) ?? this.#tracks.create(saved.track, saved.epoch, saved.number);
    const publisher = new Publisher(saved.id, saved.who, fanOut.track, sink, this.#settings, now);
    fanOut.track.restore(saved.mayReach);
    this.#connections.publishers.set(saved.id, publisher);
    fanOut.publisher = publisher;
  }

  #restoreSubscriber(now: number, saved: Attachment & { role: "subscriber" }, sink: Sink): void {
    const subscriber = new Subscriber(saved.id, saved.who, saved.subscription, sink, this.#settings, now);
    this.#audience.set(saved.id, subscriber);
    if (saved.credit !== null) subscriber.grant(saved.credit, now);
    for (const { name, number, epoch, told, state } of saved.cursors) {
      const known = this.#tracks.get(name) ?? this.#tracks.create(name, epoch, number);
      subscriber.restore(known.track, state, told);
    }
  }

  get #audience(): Map<string, Subscriber> {
    return this.#connections.subscribers;
  }

  #tellOccupancy(now: number): void {
    const { count } = this.#connections;
    const due = this.#occupancy.dueAt(count);
    if (due === undefined || due > now) return;
    this.#occupancy.told(count, now);
    for (const connection of this.#connections) connection.tell({ type: "occupancy", ...count });
  }

  #forget(publisher: Publisher): void {
    this.#connections.publishers.delete(publisher.id);
    const fanOut = this.#tracks.get(publisher.track.name);
    if (fanOut?.publisher === publisher) fanOut.leave(this.#audience);
  }

  #close(closings: readonly Closing[]): void {
    for (const { subscriber, reason } of closings) this.#disconnect(subscriber, reason);
  }

  #disconnect(connection: Connection, reason: CloseReason, detail?: string): void {
    connection.close(reason, closeText(reason, detail, retryAfter(reason)));
    if (connection instanceof Publisher) this.#forget(connection);
    else this.#audience.delete(connection.id);
  }

  /** What a peer did wrong ends its own connection and nothing else. */
  #guard(id: string, run: () => void): void {
    try {
      run();
    } catch (error) {
      const connection = this.#connections.find(id);
      if (!(error instanceof ProtocolError) || connection === undefined) throw error;
      this.#disconnect(connection, closeFor(error.code), `${error.code}: ${error.message}`);
    }
  }
}

/** Who only needs a new token may come back at once. */
function retryAfter({ code }: CloseReason): number | undefined {
  return code < 4500 && code !== Close.tokenExpired.code ? BUSY_RETRY_MS : undefined;
}

function refuse(sink: Sink, reason: CloseReason): void {
  sink.close(reason.code, closeText(reason, "", BUSY_RETRY_MS));
}
