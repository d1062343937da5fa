// From a track to its subscribers: who gets what now, who waits for what, and when the publisher has to wait for them.
import type { CloseReason } from "../../protocol/close.ts";
import type { ServerMessage } from "../../protocol/control.ts";
import { Backpressure } from "./backpressure.ts";
import type { ByteBudget } from "./byte-budget.ts";
import { earliest } from "./earliest.ts";
import { Polling } from "./polling.ts";
import type { SendBudget } from "./send-budget.ts";
import type { Subscriber, Turn } from "./subscriber.ts";
import type { Track } from "./track.ts";
import type { Tuning } from "./tuning.ts";

/** A subscriber that the room has to close. */
export interface Closing {
  readonly subscriber: Subscriber;
  readonly reason: CloseReason;
}

/** What a room's tracks share: sends per second, and bytes that may be queued. */
export interface Budgets {
  readonly sends: SendBudget;
  readonly bytes: ByteBudget;
}

/** How soon those who have more to get are looked at again, and those whose way is full; twice as long where nothing came of it. */
const FULL_POLL_MS = { least: 4, most: 50 };
const LATE_POLL_MS = { least: 50, most: 250 };

/** Those who wait for something to drain are looked at one by one so often, others only where they may get something. */
const THOROUGH_MS = 250;

/** One track's subscribers. Those who wait are served first, in the order in which they began to wait. */
export class FanOut {
  readonly track: Track;
  /** Publishes whose frames waited for others. */
  gathered = 0;
  readonly #tuning: Tuning;
  readonly #budgets: Budgets;
  readonly #backpressure: Backpressure;
  readonly #subscribers = new Set<Subscriber>();
  /** Those who may hold the publisher; few. */
  readonly #reliable = new Set<Subscriber>();
  readonly #full = new Polling<Subscriber>(FULL_POLL_MS);
  readonly #late = new Polling<Subscriber>(LATE_POLL_MS);
  #flushAt: number | undefined;
  /** When all who wait were looked at. */
  #thoroughAt = 0;
  #holdUntil: number | undefined;
  /** Bytes of the epoch up to which the last turn went. */
  #offered = 0;
  /** The oldest sequence that a `reliable` subscriber still needs. */
  #needed = Number.POSITIVE_INFINITY;

  constructor(track: Track, tuning: Tuning, budgets: Budgets) {
    this.track = track;
    this.#tuning = tuning;
    this.#budgets = budgets;
    this.#backpressure = new Backpressure(tuning);
  }

  /** A subscriber comes, or the track does: it gets what there is. */
  join(now: number, subscriber: Subscriber): Closing[] {
    subscriber.attach(this.track, now);
    this.#add(subscriber);
    return this.serve(now, subscriber);
  }

  /** After sleep: a subscriber whose cursor was restored. */
  restore(subscriber: Subscriber): void {
    this.#add(subscriber);
  }

  /** It is gone, or is to be closed. The publisher no longer waits for it. */
  leave(now: number, subscriber: Subscriber): void {
    for (const group of [this.#subscribers, this.#reliable, this.#full, this.#late]) group.delete(subscriber);
    if (this.holds) this.#reconsider(now);
  }

  /** The track is no more. */
  dissolve(): void {
    for (const subscriber of this.#subscribers) subscriber.detach(this.track);
  }

  /** Drops the oldest of its history, unless a `reliable` subscriber needs it. Returns true if it did. */
  dropOldest(): boolean {
    return this.track.history.dropOldest(this.#needed);
  }

  /** Drops what is older than `time`, save the newest group and what a `reliable` subscriber needs. */
  dropBefore(time: number): void {
    this.track.history.dropBefore(time, this.#needed);
  }

  tell(message: ServerMessage): void {
    for (const subscriber of this.#subscribers) subscriber.tell(message);
  }

  /** The track has a new numbering. */
  leaveEpoch(epoch: string, end: number | null): void {
    for (const subscriber of this.#subscribers) subscriber.leaveEpoch(this.track, epoch, end);
  }

  /** After sleep: those who were in step stand at `sequence`. */
  wake(sequence: number): void {
    for (const subscriber of this.#subscribers) subscriber.cursorOf(this.track)?.wake(sequence);
  }

  /** The source is gone: what is missing is told, since no group may come. */
  tellMissing(): void {
    for (const subscriber of this.#subscribers) subscriber.tellMissing(this.track);
  }

  /** The track has more: sends it, or lets it wait for what comes next. Returns who is to be closed. */
  advance(now: number): Closing[] {
    const isBlock = this.track.history.end - this.#offered >= this.#tuning.blockBytes;
    const mayGo = isBlock || (this.#flushAt === undefined && this.#budgets.sends.admit(this.#subscribers.size, now));
    const takers = this.#subscribers.size - this.#full.size - this.#late.size;
    if (mayGo && (takers > 0 || this.#full.size === 0)) return this.pump(now);
    this.gathered++;
    this.#flushAt ??= now + this.#tuning.gatherMs;
    return [];
  }

  /** When it wants `tick`; undefined: nothing is waiting. */
  get dueAt(): number | undefined {
    return earliest([this.#flushAt, this.#full.dueAt, this.#late.dueAt, this.#holdUntil]);
  }

  /** What `dueAt` waited for. */
  tick(now: number): Closing[] {
    if ((this.#flushAt ?? Number.POSITIVE_INFINITY) <= now) return this.pump(now);
    const due = [this.#full, this.#late].filter((polling) => polling.isDue(now));
    const closings: Closing[] = [];
    if (due.length > 0) this.#budgets.bytes.refresh();
    for (const polling of due) polling.polled(now, this.#serve(this.#hopeful(polling, now), now, closings));
    if (due.length > 0 || (this.#holdUntil ?? Number.POSITIVE_INFINITY) <= now) this.#reconsider(now);
    return closings;
  }

  /** Sends to everybody what may be sent in one turn. */
  pump(now: number): Closing[] {
    const closings: Closing[] = [];
    this.#flushAt = undefined;
    this.#offered = this.track.history.end;
    this.#budgets.bytes.refresh();
    const waiting = this.#hopeful(this.#full, now);
    const others = [...this.#subscribers].filter((subscriber) => !this.#full.has(subscriber));
    const progress = this.#serve(waiting, now, closings);
    if (waiting.length > 0) this.#full.polled(now, progress);
    this.#serve(others, now, closings);
    this.#reconsider(now);
    return closings;
  }

  /** Sends to one what may be sent to it now: it came, or it gave credit. */
  serve(now: number, subscriber: Subscriber): Closing[] {
    const closings: Closing[] = [];
    this.#serve([subscriber], now, closings);
    if (this.#reliable.has(subscriber)) this.#reconsider(now);
    return closings;
  }

  /** Is the publisher to wait for its subscribers? */
  get holds(): boolean {
    return this.#holdUntil !== undefined;
  }

  #add(subscriber: Subscriber): void {
    this.#subscribers.add(subscriber);
    if (subscriber.isReliable) this.#reliable.add(subscriber);
  }

  /** Of those who wait, those who may get something now. Now and then all of them: one that has stood still for long is late. */
  #hopeful(waiting: Iterable<Subscriber>, now: number): Subscriber[] {
    const isThorough = now - this.#thoroughAt >= THOROUGH_MS;
    if (isThorough) this.#thoroughAt = now;
    return Array.from(waiting).filter((subscriber) => isThorough || subscriber.connection.isFree);
  }

  /** One turn for each. Returns true if anything was sent. */
  #serve(subscribers: readonly Subscriber[], now: number, closings: Closing[]): boolean {
    let progress = false;
    for (const subscriber of subscribers) {
      const before = subscriber.connection.sentBytes;
      const turn = subscriber.pump(this.track, now);
      subscriber.save();
      const sent = subscriber.connection.sentBytes > before;
      this.#wait(subscriber, turn, sent, now);
      if (typeof turn !== "string") closings.push({ subscriber, reason: turn });
      progress ||= sent;
    }
    return progress;
  }

  /** Who got something waits behind all others for more. */
  #wait(subscriber: Subscriber, turn: Turn, sent: boolean, now: number): void {
    if (turn !== "full" || sent) this.#full.delete(subscriber);
    if (turn === "full") this.#full.add(subscriber, now);
    if (turn === "late") this.#late.add(subscriber, now);
    else this.#late.delete(subscriber);
  }

  /** Looks who holds the publisher, and what history has to keep. Only those who may hold it are asked one by one. */
  #reconsider(now: number): void {
    let holdUntil = this.#reliableUntil(now);
    const leastBacklogBytes = this.#leastBacklogBytes();
    const burstUntil = this.#backpressure.decide(now, leastBacklogBytes);
    if (burstUntil !== undefined) holdUntil = Math.min(holdUntil ?? burstUntil, burstUntil);
    this.#holdUntil = holdUntil;
  }

  /** Until when `reliable` subscribers hold the publisher; undefined: none does. */
  #reliableUntil(now: number): number | undefined {
    const { track } = this;
    let until: number | undefined;
    this.#needed = Number.POSITIVE_INFINITY;
    for (const subscriber of this.#reliable) {
      const needed = subscriber.needs(track);
      const backlog = needed === undefined || needed === track.next ? 0 : track.history.bytesFrom(needed);
      const holds = backlog > this.#tuning.historyBytes / 2;
      if (!subscriber.mayHold(track, now, holds)) continue;
      if (needed !== undefined && needed !== track.next) this.#needed = Math.min(this.#needed, needed);
      if (holds) until = Math.min(until ?? Number.POSITIVE_INFINITY, subscriber.holdsUntil(now));
    }
    return until;
  }

  /** How far behind the foremost is; 0 unless everybody who is not late has more to get. */
  #leastBacklogBytes(): number {
    const takingPart = this.#subscribers.size - this.#late.size;
    if (takingPart === 0 || this.#full.size < takingPart) return 0;
    return Math.min(...Array.from(this.#full, (subscriber) => subscriber.backlogBytes(this.track)));
  }
}
