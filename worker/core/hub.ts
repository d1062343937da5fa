// The room's streams: what happens when a connection comes, says something, or goes.
import { Close, type CloseReason, closeFor, closeText } from "../../protocol/close.ts";
import { type ClientMessage, parseClientMessage } from "../../protocol/control.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { TEXTS_BURST, TEXTS_PER_SECOND } from "../../protocol/limits.ts";
import type { Attachment, Publication, Subscription, Who } from "./attachment.ts";
import { Connection } from "./connection.ts";
import { earliest } from "./earliest.ts";
import type { Closing } from "./fan-out.ts";
import { IngressLimit } from "./ingress-limit.ts";
import type { LiveTrack } from "./live-track.ts";
import type { Members } from "./members.ts";
import { Occupancy, occupancyOf, reconnectMs } from "./occupancy.ts";
import { Publisher } from "./publisher.ts";
import type { Member, Registry } from "./registry.ts";
import type { Sink } from "./sink.ts";
import { Subscriber, tuningFor } from "./subscriber.ts";
import { TokenBucket } from "./token-bucket.ts";
import { Tracks } from "./tracks.ts";
import type { Tuning } from "./tuning.ts";

/** When a client that was refused a place may come back. */
const BUSY_RETRY_MS = 2000;

/** How often the room looks for connections whose peers give no sign, while it is awake. */
const SILENCE_CHECK_MS = 5000;

/** All of a room's streams but sockets, timers and storage. Times are ms since 1970; calls are synchronous and never throw. */
export class Hub {
  readonly #room: string;
  readonly #tuning: Tuning;
  readonly #mintEpoch: () => string;
  readonly #registry: Registry;
  readonly #members: Members;
  readonly #tracks: Tracks;
  readonly #occupancy: Occupancy;
  readonly #ingress: IngressLimit;
  readonly #texts = new WeakMap<Member, TokenBucket>();
  #awakeSince = 0;
  #checkedAt = 0;
  #framesReceived = 0;
  #bytesReceived = 0;

  /**
   * `mintEpoch` gives a new identity ([a-z0-9], at most 32) that was never used before. `tuning` is read at each use: its
   * owner may change it. Messages to others go to `members`, which are told who comes and goes.
   */
  constructor(room: string, tuning: Tuning, mintEpoch: () => string, registry: Registry, members: Members) {
    this.#room = room;
    this.#tuning = tuning;
    this.#mintEpoch = mintEpoch;
    this.#registry = registry;
    this.#members = members;
    this.#tracks = new Tracks(tuning, registry.budget);
    this.#occupancy = new Occupancy(tuning.occupancyMs);
    this.#ingress = new IngressLimit(tuning);
  }

  /** The object is in memory again: the connections that are still there. */
  restore(now: number, connections: readonly { readonly saved: Attachment; readonly sink: Sink }[]): void {
    this.#awakeSince = this.#checkedAt = now;
    for (const { saved, sink } of connections) {
      if (saved.role === "publisher") this.#restorePublisher(now, saved, sink);
    }
    for (const { saved, sink } of connections) {
      if (saved.role === "subscriber") this.#restoreSubscriber(now, saved, sink);
    }
    this.#occupancy.told(this.#registry.count, Number.NEGATIVE_INFINITY);
    this.#members.restore(now);
  }

  /** A subscriber comes. */
  subscribe(now: number, id: string, who: Who, subscription: Subscription, sink: Sink): void {
    this.#checkSilence(now);
    if (!this.#hasPlaceFor(subscription)) return refuse(sink, Close.roomFull);
    const tuning = tuningFor(subscription, this.#tuning);
    const identity = { id, role: "subscribe", framed: subscription.framed, who } as const;
    const subscriber = new Subscriber(this.#connect(identity, sink, tuning, now), subscription, tuning);
    this.#registry.addSubscriber(subscriber);
    this.#welcome(subscriber, now);
    this.#forEach(subscriber, (live) => this.#close(now, live.join(now, subscriber)));
    subscriber.save();
    this.#arrived(subscriber, now);
  }

  /** A publisher comes. */
  publish(now: number, id: string, who: Who, publication: Publication, sink: Sink): void {
    this.#checkSilence(now);
    const known = this.#tracks.get(publication.track);
    const { resume } = publication;
    const continues = known?.continues(publication);
    const current = known?.publisher;
    if (current === undefined) {
      const isFull = this.#registry.publishers.size >= this.#tuning.maxPublishers;
      if (isFull || (known === undefined && !this.#tracks.hasPlace(now))) return refuse(sink, Close.roomFull);
    } else {
      if (!continues && !publication.takeover && !current.isSilent(now)) return refuse(sink, Close.trackBusy);
      this.#disconnect(now, current, Close.takenOver);
    }
    const live = known ?? this.#tracks.create(publication.track, resume?.epoch ?? this.#mintEpoch());
    const connection = this.#connect({ id, role: "publish", framed: true, who }, sink, this.#tuning, now);
    const publisher = new Publisher(connection, live.track, this.#tuning);
    this.#registry.addPublisher(publisher);
    this.#welcome(publisher, now);
    if (known === undefined) live.open(publication);
    else if (continues) live.wake(resume?.sequence ?? 0);
    else live.renumber(this.#mintEpoch());
    publisher.welcome();
    live.come(publisher);
    if (known === undefined) this.#invite(now, live);
    else this.#close(now, live.pump(now));
    this.#arrived(publisher, now);
  }

  /** A binary message came. */
  binary(now: number, id: string, bytes: Uint8Array): void {
    this.#guard(now, id, (member) => {
      if (member instanceof Subscriber) throw new ProtocolError("not_allowed", "a subscriber sends no frames");
      this.#receive(now, member, bytes);
    });
  }

  /** A text message came. */
  text(now: number, id: string, text: string): void {
    this.#guard(now, id, (member) => {
      this.#countText(now, member);
      this.#control(now, member, parseClientMessage(text));
    });
  }

  /** A peer is gone; `drops`: and what was queued for it too. */
  left(now: number, id: string, drops: boolean): void {
    const member = this.#registry.left(now, id, drops);
    if (member !== undefined) this.#forget(now, member, false);
    this.#tellOccupancy(now);
  }

  /** Time has come; see `dueAt`. */
  tick(now: number): void {
    this.#registry.tick(now);
    if (this.#ingress.release(now)) this.#holdIntake(now, false);
    for (const publisher of this.#registry.publishers.values()) publisher.tick(now);
    for (const live of this.#tracks) this.#close(now, live.tick(now));
    this.#checkSilence(now);
    this.#tellOccupancy(now);
  }

  /** When `tick` is wanted; undefined: nothing waits, the room may sleep. */
  get dueAt(): number | undefined {
    const { isEmpty, count, publishers } = this.#registry;
    const acks = Array.from(publishers.values(), ({ ackDueAt }) => ackDueAt);
    const tracks = Array.from(this.#tracks, ({ dueAt }) => dueAt);
    const occupancy = isEmpty ? undefined : this.#occupancy.dueAt(count);
    return earliest([occupancy, this.#registry.dueAt, this.#ingress.dueAt, ...acks, ...tracks]);
  }

  /** What the room tells of itself. */
  snapshot(now: number) {
    const counters = { framesReceived: this.#framesReceived, bytesReceived: this.#bytesReceived };
    const { count } = this.#registry;
    return { room: this.#room, now, awakeSince: this.#awakeSince, ...count, counters, tracks: this.#tracks.figures() };
  }

  /** Closes those whose token `matches`, or whose id it is. Returns how many. */
  disconnect(now: number, reason: CloseReason, matches: (id: string, who: Who) => boolean): number {
    const chosen = [...this.#registry].filter(({ id, connection }) => matches(id, connection.who));
    for (const member of chosen) this.#disconnect(now, member, reason);
    this.#tellOccupancy(now);
    return chosen.length;
  }

  #connect(identity: ConstructorParameters<typeof Connection>[0], sink: Sink, tuning: Tuning, now: number): Connection {
    return new Connection(identity, sink, tuning, this.#registry.budget, now);
  }

  #hasPlaceFor({ delivery }: Subscription): boolean {
    const { subscribers } = this.#registry;
    if (subscribers.size >= this.#tuning.maxSubscribers) return false;
    if (delivery !== "reliable") return true;
    let reliable = 0;
    for (const subscriber of subscribers.values()) if (subscriber.isReliable) reliable++;
    return reliable < this.#tuning.maxReliable;
  }

  #welcome({ connection }: Member, now: number): void {
    const spread = reconnectMs(this.#registry.count);
    connection.tell({ type: "welcome", connection: connection.id, room: this.#room, now, reconnectMs: spread });
  }

  /** Everybody who comes is told how many are there; the others too, where it is time. */
  #arrived({ id, connection }: Member, now: number): void {
    const isTold = this.#tellOccupancy(now);
    if (this.#registry.find(id) === undefined) return;
    if (!isTold) connection.tell(occupancyOf(this.#registry.count));
    this.#members.join(now, connection);
  }

  /** A new track: those who want it get it. */
  #invite(now: number, live: LiveTrack): void {
    for (const subscriber of this.#registry.subscribers.values()) {
      if (subscriber.wants(live.track)) this.#close(now, live.join(now, subscriber));
    }
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
      this.#close(now, live.advance(now));
    }
    publisher.acknowledge(now, incoming.is === "duplicate");
  }

  #control(now: number, member: Member, message: ClientMessage): void {
    if (message.type === "message") return this.#members.say(now, member.connection, message);
    if (member instanceof Subscriber) {
      if (message.type !== "credit" || !member.isReliable) {
        throw new ProtocolError("not_allowed", `this subscriber sends no ${message.type}`);
      }
      return this.#credit(now, member, message.bytes);
    }
    const live = this.#tracks.get(member.track.name);
    if (message.type === "credit") throw new ProtocolError("not_allowed", "a publisher sends no credit");
    if (message.type === "sync") live?.wake(message.sequence);
    else member.skip(message.from, message.to, now);
    member.acknowledge(now, true);
    if (message.type === "gap" && live !== undefined) this.#close(now, live.advance(now));
  }

  /** It alone goes on; nobody else gets more by it. */
  #credit(now: number, subscriber: Subscriber, bytes: number): void {
    subscriber.grant(bytes);
    this.#forEach(subscriber, (live) => this.#close(now, live.serve(now, subscriber)));
    subscriber.save();
  }

  /** Each track that it wants, as long as it is there. */
  #forEach(subscriber: Subscriber, act: (live: LiveTrack) => void): void {
    for (const live of this.#tracks) {
      if (this.#registry.find(subscriber.id) === undefined) return;
      if (subscriber.wants(live.track)) act(live);
    }
  }

  #holdIntake(now: number, held: boolean): void {
    for (const publisher of this.#registry.publishers.values()) publisher.hold(held, now, "intake");
  }

  #countText(now: number, member: Member): void {
    const bucket = this.#texts.get(member) ?? new TokenBucket(TEXTS_PER_SECOND, TEXTS_BURST);
    this.#texts.set(member, bucket);
    if (!bucket.take(1, now)) throw new ProtocolError("too_fast", "too many text messages");
  }

  #restorePublisher(now: number, saved: Attachment & { role: "publisher" }, sink: Sink): void {
    const live = this.#tracks.get(saved.track) ?? this.#tracks.create(saved.track, saved.epoch, saved.number);
    const identity = { id: saved.id, role: "publish", framed: true, who: saved.who } as const;
    const publisher = new Publisher(this.#connect(identity, sink, this.#tuning, now), live.track, this.#tuning);
    live.track.restore(saved.mayReach);
    this.#registry.addPublisher(publisher);
    live.restore(publisher);
  }

  #restoreSubscriber(now: number, saved: Attachment & { role: "subscriber" }, sink: Sink): void {
    const { id, who, subscription, credit, cursors } = saved;
    const tuning = tuningFor(subscription, this.#tuning);
    const identity = { id, role: "subscribe", framed: subscription.framed, who } as const;
    const subscriber = new Subscriber(this.#connect(identity, sink, tuning, now), subscription, tuning);
    this.#registry.addSubscriber(subscriber);
    if (credit !== null) subscriber.grant(credit);
    for (const { name, number, epoch, told, state } of cursors) {
      const live = this.#tracks.get(name) ?? this.#tracks.create(name, epoch, number);
      subscriber.restore(live.track, state, told);
      live.fanOut.restore(subscriber);
    }
  }

  /** Returns true if everybody was told. */
  #tellOccupancy(now: number): boolean {
    const { count } = this.#registry;
    const due = this.#occupancy.dueAt(count);
    if (due === undefined || due > now) return false;
    this.#occupancy.told(count, now);
    const text = JSON.stringify(occupancyOf(count));
    for (const connection of this.#registry.connections()) if (connection.framed) connection.sendText(text);
    return true;
  }

  /** Peers that vanished without a word are found when something else happens: nothing wakes the room for them. */
  #checkSilence(now: number): void {
    if (now - this.#checkedAt < SILENCE_CHECK_MS) return;
    this.#checkedAt = now;
    for (const member of [...this.#registry]) {
      if (member.connection.isSilent(now)) this.#disconnect(now, member, Close.unproven, "no ping and no message");
    }
  }

  #close(now: number, closings: readonly Closing[]): void {
    for (const { subscriber, reason } of closings) this.#disconnect(now, subscriber, reason);
  }

  #disconnect(now: number, member: Member, reason: CloseReason, detail?: string): void {
    this.#registry.close(now, member.connection, reason, closeText(reason, detail, retryAfter(reason)));
    this.#forget(now, member, reason !== Close.takenOver);
  }

  /** `isFinal`: the room ended it; else it may come back at once. */
  #forget(now: number, member: Member, isFinal: boolean): void {
    if (member instanceof Publisher) this.#tracks.get(member.track.name)?.leave(now, member, isFinal);
    else for (const { fanOut } of this.#tracks) fanOut.leave(member);
    this.#members.left(now, member.connection);
  }

  /** What a peer did wrong ends its own connection and nothing else. */
  #guard(now: number, id: string, run: (member: Member) => void): void {
    const member = this.#registry.find(id);
    if (member === undefined) return;
    member.connection.heard(now);
    try {
      run(member);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#disconnect(now, member, closeFor(error.code), `${error.code}: ${error.message}`);
    }
    this.#checkSilence(now);
  }
}

/** Who only needs a new token may come back at once. */
function retryAfter({ code }: CloseReason): number | undefined {
  return code < 4500 && code !== Close.tokenExpired.code ? BUSY_RETRY_MS : undefined;
}

function refuse(sink: Sink, reason: CloseReason): void {
  sink.close(reason.code, closeText(reason, "", BUSY_RETRY_MS));
}
