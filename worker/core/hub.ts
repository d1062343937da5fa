// The room: its connections, its tracks, and what happens when one of them says something, comes or goes.
import { Close, type CloseReason, closeFor, closeText } from "../../protocol/close.ts";
import { type ClientMessage, parseClientMessage, type ServerMessage } from "../../protocol/control.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { MAX_TRACKS, TEXTS_BURST, TEXTS_PER_SECOND } from "../../protocol/limits.ts";
import type { Position } from "../../protocol/position.ts";
import { expiryOf } from "./access.ts";
import { Bucket } from "./bucket.ts";
import { type Closing, FanOut } from "./fan-out.ts";
import { Intake } from "./intake.ts";
import type { Members } from "./members.ts";
import { Occupancy } from "./occupancy.ts";
import { Pace } from "./pace.ts";
import { Publisher } from "./publisher.ts";
import type { Saved, Subscription, Who } from "./saved.ts";
import type { Settings } from "./settings.ts";
import type { Sink } from "./sink.ts";
import { Subscriber } from "./subscriber.ts";
import { Track } from "./track.ts";

/** What a publisher asked for. */
export interface Publication {
  readonly track: string;
  /** The oldest frame that it keeps, where it comes back. */
  readonly resume: Position | null;
  /** It says that all that it ever sent is acknowledged. */
  readonly isSettled: boolean;
  readonly takeover: boolean;
}

/** When a client that was refused a place may come back. */
const BUSY_RETRY_MS = 2000;

/** All of a room but sockets, timers and storage. Times are ms since 1970; calls are synchronous and never throw. */
export class Hub {
  readonly #room: string;
  readonly #settings: Settings;
  readonly #mintEpoch: () => string;
  readonly #subscribers = new Map<string, Subscriber>();
  readonly #publishers = new Map<string, Publisher>();
  readonly #tracks = new Map<string, FanOut>();
  readonly #pace: Pace;
  #awakeSince = 0;
  readonly #occupancy: Occupancy;
  readonly #intake: Intake;
  readonly #texts = new WeakMap<Subscriber | Publisher, Bucket>();
  readonly #members: Members | undefined;
  #framesReceived = 0;
  #bytesReceived = 0;

  /**
   * `mintEpoch` gives a new identity ([a-z0-9], at most 32) that was never used before. `settings` are read at each use: their
   * owner may change them. Messages to others go to `members`.
   */
  constructor(room: string, settings: Settings, mintEpoch: () => string, members?: Members) {
    this.#room = room;
    this.#settings = settings;
    this.#mintEpoch = mintEpoch;
    this.#pace = new Pace(settings.sendBudget);
    this.#occupancy = new Occupancy(settings.occupancyMs);
    this.#intake = new Intake(settings);
    this.#members = members;
  }

  /** The object is in memory again: the connections that are still there. */
  restore(now: number, connections: readonly { readonly saved: Saved; readonly sink: Sink }[]): void {
    this.#awakeSince = now;
    for (const { saved, sink } of connections) {
      if (saved.role === "publisher") this.#restorePublisher(now, saved, sink);
    }
    for (const { saved, sink } of connections) {
      if (saved.role === "subscriber") this.#restoreSubscriber(now, saved, sink);
    }
    this.#occupancy.told(this.#count(), Number.NEGATIVE_INFINITY);
  }

  /** A subscriber comes. */
  subscribe(now: number, id: string, who: Who, subscription: Subscription, sink: Sink): void {
    const subscriber = new Subscriber(id, who, subscription, sink, this.#settings, now);
    if (this.#subscribers.size >= this.#settings.maxSubscribers) return refuse(subscriber, Close.roomFull);
    this.#subscribers.set(id, subscriber);
    subscriber.tell({ type: "welcome", connection: id, room: this.#room, now });
    for (const fanOut of this.#tracks.values()) {
      if (!subscriber.wants(fanOut.track)) continue;
      subscriber.attach(fanOut.track, now, null);
      subscriber.tell(sourceOf(fanOut));
      this.#close(fanOut.join(now, subscriber));
    }
    subscriber.save();
    this.#tellOccupancy(now);
  }

  /** A publisher comes. */
  publish(now: number, id: string, who: Who, publication: Publication, sink: Sink): void {
    const known = this.#tracks.get(publication.track);
    const resume = publication.resume;
    const continues = known !== undefined && continuesIn(known.track, publication);
    const fanOut =
      known ?? this.#createTrack(publication.track, this.#freeNumber(), resume?.epoch ?? this.#mintEpoch());
    const publisher = new Publisher(id, who, fanOut.track, sink, this.#settings, now);
    if (known === undefined && this.#tracks.size > MAX_TRACKS) {
      this.#tracks.delete(publication.track);
      return refuse(publisher, Close.roomFull);
    }
    const current = fanOut.publisher;
    if (current === undefined && this.#publishers.size >= this.#settings.maxPublishers) {
      if (known === undefined) this.#tracks.delete(publication.track);
      return refuse(publisher, Close.roomFull);
    }
    if (current !== undefined) {
      if (!continues && !publication.takeover && !current.isSilent(now)) return refuse(publisher, Close.trackBusy);
      this.#disconnect(current, Close.takenOver);
    }
    publisher.tell({ type: "welcome", connection: id, room: this.#room, now });
    if (known === undefined) this.#open(now, fanOut, resume);
    else if (continues) this.#wake(fanOut, resume?.sequence ?? 0);
    else this.#renumber(fanOut);
    this.#publishers.set(id, publisher);
    fanOut.publisher = publisher;
    publisher.welcome();
    this.#tellTrack(fanOut, sourceOf(fanOut));
    this.#close(fanOut.pump(now, this.#subscribers));
    this.#tellOccupancy(now);
  }

  /** A binary message came. */
  binary(now: number, id: string, bytes: Uint8Array): void {
    this.#guard(id, () => {
      const publisher = this.#publishers.get(id);
      if (publisher !== undefined) return this.#receive(now, publisher, bytes);
      if (this.#subscribers.has(id)) throw new ProtocolError("not_allowed", "a subscriber sends no frames");
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
    this.#subscribers.delete(id);
    const publisher = this.#publishers.get(id);
    if (publisher !== undefined) this.#forget(publisher);
    this.#tellOccupancy(now);
  }

  /** Time has come; see `dueAt`. */
  tick(now: number): void {
    if (this.#intake.release(now)) this.#holdIntake(now, false);
    for (const fanOut of this.#tracks.values()) this.#close(fanOut.tick(now, this.#subscribers));
    this.#tellOccupancy(now);
  }

  /** When `tick` is wanted; undefined: nothing waits, the room may sleep. */
  get dueAt(): number | undefined {
    let due = this.#subscribers.size + this.#publishers.size === 0 ? undefined : this.#occupancy.dueAt(this.#count());
    for (const { dueAt } of [this.#intake, ...this.#tracks.values()]) {
      if (dueAt !== undefined) due = Math.min(due ?? Number.POSITIVE_INFINITY, dueAt);
    }
    return due;
  }

  get isEmpty(): boolean {
    return this.#subscribers.size + this.#publishers.size === 0;
  }

  /** Is this connection in the room? */
  has(id: string): boolean {
    return this.#subscribers.has(id) || this.#publishers.has(id);
  }

  /** When the first token of those who are here ceases to count; undefined: none does. */
  get expiresAt(): number | undefined {
    let first: number | undefined;
    for (const { who } of [...this.#subscribers.values(), ...this.#publishers.values()]) {
      if (who.expiresAt !== null) first = Math.min(first ?? Number.POSITIVE_INFINITY, expiryOf(who.expiresAt));
    }
    return first;
  }

  /** What the room tells of itself. */
  snapshot(now: number) {
    const tracks = [...this.#tracks.values()].map(({ track, publisher, gathered }) => ({
      name: track.name,
      number: track.number,
      epoch: track.epoch,
      next: track.next,
      oldest: track.history.first ?? null,
      groupStart: track.history.groupStart ?? null,
      historyBytes: track.history.bytes,
      initBytes: track.initAt(Number.POSITIVE_INFINITY)?.payload.byteLength ?? 0,
      source: publisher === undefined ? "offline" : "online",
      gathered,
    }));
    const counters = { framesReceived: this.#framesReceived, bytesReceived: this.#bytesReceived };
    return { room: this.#room, now, awakeSince: this.#awakeSince, ...this.#count(), counters, tracks };
  }

  /** Every connection with its figures. */
  connections(now: number) {
    const subscribers = [...this.#subscribers.values()].map((one) => ({
      connection: one.id,
      role: "subscribe" as const,
      subject: one.who.subject ?? null,
      label: one.who.label ?? null,
      delivery: one.subscription.delivery,
      mode: one.subscription.framed ? "framed" : "plain",
      ...one.figures(now),
    }));
    const publishers = [...this.#publishers.values()].map((one) => ({
      connection: one.id,
      role: "publish" as const,
      subject: one.who.subject ?? null,
      label: one.who.label ?? null,
      track: one.track.name,
      ...one.figures(),
    }));
    return [...publishers, ...subscribers];
  }

  /** Closes those whose token `matches`, or whose id it is; answers how many. */
  disconnect(now: number, reason: CloseReason, matches: (id: string, who: Who) => boolean): number {
    const all = [...this.#subscribers.values(), ...this.#publishers.values()];
    const chosen = all.filter((connection) => matches(connection.id, connection.who));
    for (const connection of chosen) this.#disconnect(connection, reason);
    this.#tellOccupancy(now);
    return chosen.length;
  }

  #receive(now: number, publisher: Publisher, bytes: Uint8Array): void {
    const fanOut = this.#tracks.get(publisher.track.name);
    if (fanOut === undefined) return;
    const { track } = fanOut;
    const incoming = publisher.receive(bytes, now, (sequence) => this.#wake(fanOut, sequence));
    this.#bytesReceived += bytes.byteLength;
    if (this.#intake.charge(bytes.byteLength, now)) this.#holdIntake(now, true);
    if (incoming.is === "init") track.setInit(incoming.payload);
    if (incoming.is === "frames") {
      this.#framesReceived += incoming.frames.length;
      track.append(incoming.bytes, incoming.frames, now);
      this.#boundHistory(now);
      this.#close(fanOut.advance(now, this.#subscribers));
    }
    publisher.acknowledge(now, incoming.is === "duplicate");
  }

  /** After sleep the publisher tells where the track stands: those who were in step stand there, and the init is gone. */
  #wake({ track, publisher }: FanOut, sequence: number): void {
    if (track.next !== null) return;
    track.wake(sequence);
    for (const subscriber of this.#subscribers.values()) subscriber.wake(track, sequence);
    publisher?.tell({ type: "init" });
  }

  #control(now: number, id: string, message: ClientMessage): void {
    const publisher = this.#publishers.get(id);
    const subscriber = this.#subscribers.get(id);
    if (message.type === "credit" && subscriber?.subscription.delivery === "reliable") {
      subscriber.grant(message.bytes, now);
      subscriber.save();
      for (const fanOut of this.#tracks.values()) this.#close(fanOut.pump(now, this.#subscribers));
    } else if (message.type === "sync" && publisher !== undefined) {
      const fanOut = this.#tracks.get(publisher.track.name);
      if (fanOut !== undefined) this.#wake(fanOut, message.sequence);
      publisher.acknowledge(now, true);
    } else if (message.type === "gap" && publisher !== undefined) {
      publisher.skip(message.from, message.to);
      publisher.acknowledge(now, true);
      const fanOut = this.#tracks.get(publisher.track.name);
      if (fanOut !== undefined) this.#close(fanOut.advance(now, this.#subscribers));
    } else if (message.type === "message" && this.#members !== undefined) {
      this.#members.say(now, id, message);
    } else if (publisher !== undefined || subscriber !== undefined) {
      throw new ProtocolError("not_allowed", `this connection sends no ${message.type}`);
    }
  }

  #holdIntake(now: number, held: boolean): void {
    for (const publisher of this.#publishers.values()) publisher.hold(held, now, "intake");
  }

  #countText(now: number, id: string): void {
    const connection = this.#publishers.get(id) ?? this.#subscribers.get(id);
    if (connection === undefined) return;
    const bucket = this.#texts.get(connection) ?? new Bucket(TEXTS_PER_SECOND, TEXTS_BURST);
    this.#texts.set(connection, bucket);
    if (!bucket.take(1, now)) throw new ProtocolError("too_fast", "too many text messages");
  }

  #createTrack(name: string, number: number, epoch: string): FanOut {
    const fanOut = new FanOut(new Track(name, number, epoch, this.#settings.blockBytes), this.#settings, this.#pace);
    this.#tracks.set(name, fanOut);
    return fanOut;
  }

  #freeNumber(): number {
    const used = new Set([...this.#tracks.values()].map(({ track }) => track.number));
    let number = 0;
    while (used.has(number)) number++;
    return number;
  }

  /** A track's first publisher: of a new epoch, or of one that the room has no memory of. */
  #open(now: number, { track }: FanOut, resume: Position | null): void {
    track.begin(track.epoch, resume?.sequence ?? 0, resume === null);
    for (const subscriber of this.#subscribers.values()) {
      if (subscriber.wants(track)) subscriber.attach(track, now, resume === null ? 0 : null);
    }
  }

  #renumber({ track }: FanOut): void {
    const { epoch, next } = track;
    track.begin(this.#mintEpoch(), 0, true);
    for (const subscriber of this.#subscribers.values()) subscriber.leaveEpoch(track, epoch, next, 0);
  }

  /** History of all tracks together stays in its bounds: the largest that can gives first. */
  #boundHistory(now: number): void {
    const tracks = [...this.#tracks.values()];
    for (const fanOut of tracks) fanOut.dropBefore(now - this.#settings.historyMs);
    let total = tracks.reduce((sum, { track }) => sum + track.history.bytes, 0);
    while (total > this.#settings.historyBytes) {
      tracks.sort((a, b) => b.track.history.bytes - a.track.history.bytes);
      const giver = tracks.find((fanOut) => fanOut.dropOldest());
      if (giver === undefined) return;
      total = tracks.reduce((sum, { track }) => sum + track.history.bytes, 0);
    }
  }

  #restorePublisher(now: number, saved: Saved & { role: "publisher" }, sink: Sink): void {
    const fanOut = this.#tracks.get(saved.track) ?? this.#createTrack(saved.track, saved.number, saved.epoch);
    const publisher = new Publisher(saved.id, saved.who, fanOut.track, sink, this.#settings, now);
    this.#publishers.set(saved.id, publisher);
    fanOut.publisher = publisher;
  }

  #restoreSubscriber(now: number, saved: Saved & { role: "subscriber" }, sink: Sink): void {
    const subscriber = new Subscriber(saved.id, saved.who, saved.subscription, sink, this.#settings, now);
    this.#subscribers.set(saved.id, subscriber);
    if (saved.credit !== null) subscriber.grant(saved.credit, now);
    for (const { name, number, epoch, state } of saved.lanes) {
      const known = this.#tracks.get(name) ?? this.#createTrack(name, number, epoch ?? this.#mintEpoch());
      subscriber.restore(known.track, state, epoch);
    }
  }

  #count() {
    return { subscribers: this.#subscribers.size, publishers: this.#publishers.size };
  }

  #tellOccupancy(now: number): void {
    const count = this.#count();
    const due = this.#occupancy.dueAt(count);
    if (due === undefined || due > now) return;
    this.#occupancy.told(count, now);
    for (const connection of [...this.#subscribers.values(), ...this.#publishers.values()]) {
      connection.tell({ type: "occupancy", ...count });
    }
  }

  #tellTrack({ track }: FanOut, message: ServerMessage): void {
    for (const subscriber of this.#subscribers.values()) {
      if (subscriber.wants(track)) subscriber.tell(message);
    }
  }

  #forget(publisher: Publisher): void {
    this.#publishers.delete(publisher.id);
    const fanOut = this.#tracks.get(publisher.track.name);
    if (fanOut?.publisher !== publisher) return;
    fanOut.publisher = undefined;
    for (const subscriber of this.#subscribers.values()) subscriber.settle(fanOut.track);
    this.#tellTrack(fanOut, sourceOf(fanOut));
  }

  #close(closings: readonly Closing[]): void {
    for (const { subscriber, reason } of closings) this.#disconnect(subscriber, reason);
  }

  #disconnect(connection: Subscriber | Publisher, reason: CloseReason, detail?: string): void {
    connection.close(reason, closeText(reason, detail, retryAfter(reason)));
    if (connection instanceof Publisher) this.#forget(connection);
    else this.#subscribers.delete(connection.id);
  }

  /** What a peer did wrong ends its own connection and nothing else. */
  #guard(id: string, run: () => void): void {
    try {
      run();
    } catch (error) {
      const connection = this.#publishers.get(id) ?? this.#subscribers.get(id);
      if (!(error instanceof ProtocolError) || connection === undefined) throw error;
      this.#disconnect(connection, closeFor(error.code), `${error.code}: ${error.message}`);
    }
  }
}

/** Who only needs a new token may come back at once. */
function retryAfter({ code }: CloseReason): number | undefined {
  return code < 4500 && code !== Close.tokenExpired.code ? BUSY_RETRY_MS : undefined;
}

function refuse(connection: Subscriber | Publisher, reason: CloseReason): void {
  connection.close(reason, closeText(reason, "", BUSY_RETRY_MS));
}

function sourceOf({ track, publisher }: FanOut): ServerMessage {
  return { type: "source", name: track.name, state: publisher === undefined ? "offline" : "online" };
}

/** Does what a publisher kept follow what the track has? After sleep only the publisher can tell. */
function continuesIn(track: Track, { resume, isSettled }: Publication): boolean {
  return resume?.epoch === track.epoch && (track.next !== null || isSettled);
}
