// Sends a track to its subscribers: which of them get frames now, which of them wait, and when the publisher has to
// wait for them.
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

/** The budgets that a room's tracks share: sends per second, and queued bytes. */
export interface Budgets {
  readonly sends: SendBudget;
  readonly bytes: ByteBudget;
}

/**
 * The intervals at which waiting subscribers are checked: those with more to get, and late ones. An interval doubles
 * while nothing changes.
 */
const FULL_POLL_MS = { least: 4, most: 50 };
const LATE_POLL_MS = { least: 50, most: 250 };

/** The interval at which all waiting subscribers are checked; in between, only those that may get something. */
const THOROUGH_MS = 250;

/** One track's subscribers. Waiting subscribers are served first, in the order in which they began to wait. */
export class FanOut {
  readonly track: Track;
  /** The number of publishes whose frames waited for others. */
  gathered = 0;
  readonly #tuning: Tuning;
  readonly #budgets: Budgets;
  readonly #backpressure: Backpressure;
  readonly #subscribers = new Set<Subscriber>();
  /** The few subscribers that may hold the publisher. */
  readonly #reliable = new Set<Subscriber>();
  readonly #full = new Polling<Subscriber>(FULL_POLL_MS);
  readonly #late = new Polling<Subscriber>(LATE_POLL_MS);
  #flushAt: number | undefined;
  /** When all waiting subscribers were last checked. */
  #thoroughAt = 0;
  #holdUntil: number | undefined;
  /** The position of the last turn, in bytes of the epoch. */
  #offered = 0;
  /** The oldest sequence that a `reliable` subscriber still needs. */
  #needed = Number.POSITIVE_INFINITY;

  constructor(track: Track, tuning: Tuning, budgets: Budgets) {
    this.track = track;
    this.#tuning = tuning;
    this.#budgets = budgets;
    this.#backpressure = new Backpressure(tuning);
  }

  /** A subscriber joins, or the track appears: it gets the available frames. */
  join(now: number, subscriber: Subscriber): Closing[] {
    subscriber.attach(this.track, now);
    this.#add(subscriber);
    return this.serve(now, subscriber);
  }

  /** After sleep: a subscriber whose cursor was restored. */
  restore(subscriber: Subscriber): void {
    this.#add(subscriber);
  }

  /** It is gone, or will be closed. The publisher no longer waits for it. */
  leave(now: number, subscriber: Subscriber): void {
    for (const group of [this.#subscribers, this.#reliable, this.#full, this.#late]) group.delete(subscriber);
    if (this.holds) this.#reconsider(now);
  }

  /** The track no longer exists. */
  dissolve(): void {
    for (const subscriber of this.#subscribers) subscriber.detach(this.track);
  }

  /** Drops the oldest segment of history, unless a `reliable` subscriber needs it. Returns true if it did. */
  dropOldest(): boolean {
    return this.track.history.dropOldest(this.#needed);
  }

  /** Drops frames older than `time`, except those of the newest group and those that a `reliable` subscriber needs. */
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

  /** The track has another number, which is announced to all before the next frame. */
  renumbered(): void {
    for (const subscriber of this.#subscribers) subscriber.cursors.get(this.track)?.forgetNumber();
  }

  /** After sleep: subscribers in step are at `sequence`. */
  wake(sequence: number): void {
    for (const subscriber of this.#subscribers) subscriber.cursors.get(this.track)?.wake(sequence);
  }

  /** The source is gone: reports missing frames now, because no group may come. */
  tellMissing(): void {
    for (const subscriber of this.#subscribers) subscriber.tellMissing(this.track);
  }

  /** The track has more frames: sends them, or lets them wait for later frames. Returns the subscribers to close. */
  advance(now: number): Closing[] {
    const isBlock = this.track.history.end - this.#offered >= this.#tuning.blockBytes;
    const mayGo = isBlock || (this.#flushAt === undefined && this.#budgets.sends.admit(this.#subscribers.size, now));
    const takers = this.#subscribers.size - this.#full.size - this.#late.size;
    if (mayGo && (takers > 0 || this.#full.size === 0)) return this.pump(now);
    this.gathered++;
    this.#flushAt ??= now + this.#tuning.gatherMs;
    return [];
  }

  /** When it needs `tick`; undefined: nothing is waiting. */
  get dueAt(): number | undefined {
    return earliest([this.#flushAt, this.#full.dueAt, this.#late.dueAt, this.#holdUntil]);
  }

  /** Does the work that `dueAt` waited for. */
  tick(now: number): Closing[] {
    if ((this.#flushAt ?? Number.POSITIVE_INFINITY) <= now) {
      this.#budgets.sends.count(this.#subscribers.size, now);
      return this.pump(now);
    }
    const due = [this.#full, this.#late].filter((polling) => polling.isDue(now));
    const closings: Closing[] = [];
    if (due.length > 0) this.#budgets.bytes.refresh();
    for (const polling of due) polling.polled(now, this.#serveWaiting(polling, now, closings));
    if (due.length > 0 || (this.#holdUntil ?? Number.POSITIVE_INFINITY) <= now) this.#reconsider(now);
    return closings;
  }

  /** Sends to each subscriber as much as one turn allows. */
  pump(now: number): Closing[] {
    const closings: Closing[] = [];
    this.#flushAt = undefined;
    this.#offered = this.track.history.end;
    // While nearly all of the budget is free, the looks before each send are enough.
    if (!this.#budgets.bytes.isLow) this.#budgets.bytes.refresh();
    const others = Array.from(this.#subscribers).filter((subscriber) => !this.#full.has(subscriber));
    if (this.#full.size > 0) this.#full.polled(now, this.#serveWaiting(this.#full, now, closings));
    for (const subscriber of others) this.#serve(subscriber, now, closings);
    this.#reconsider(now);
    return closings;
  }

  /** Sends to one subscriber as much as allowed: it joined, or it gave credit. */
  serve(now: number, subscriber: Subscriber): Closing[] {
    const closings: Closing[] = [];
    this.#serve(subscriber, now, closings);
    if (this.#reliable.has(subscriber)) this.#reconsider(now);
    return closings;
  }

  /** True if the publisher has to wait for its subscribers. */
  get holds(): boolean {
    return this.#holdUntil !== undefined;
  }

  #add(subscriber: Subscriber): void {
    this.#subscribers.add(subscriber);
    if (subscriber.isReliable) this.#reliable.add(subscriber);
  }

  /**
   * One turn for each waiting subscriber that may get something now, and from time to time for all of them, because one
   * that has stood still for long is late. Returns true if anything was sent.
   */
  #serveWaiting(waiting: Iterable<Subscriber>, now: number, closings: Closing[]): boolean {
    const isThorough = now - this.#thoroughAt >= THOROUGH_MS;
    if (isThorough) this.#thoroughAt = now;
    let progress = false;
    for (const subscriber of Array.from(waiting)) {
      if (!isThorough && !subscriber.connection.isFree(now)) continue;
      if (this.#serve(subscriber, now, closings)) progress = true;
    }
    return progress;
  }

  /** One turn. Returns true if anything was sent. */
  #serve(subscriber: Subscriber, now: number, closings: Closing[]): boolean {
    const before = subscriber.connection.sentBytes;
    const turn = subscriber.pump(this.track, now);
    subscriber.save();
    const sent = subscriber.connection.sentBytes > before;
    this.#wait(subscriber, turn, sent, now);
    if (typeof turn !== "string") closings.push({ subscriber, reason: turn });
    return sent;
  }

  /** A subscriber that just received data goes to the back of the queue. */
  #wait(subscriber: Subscriber, turn: Turn, sent: boolean, now: number): void {
    if (turn !== "full" || sent) this.#full.delete(subscriber);
    if (turn === "full") this.#full.add(subscriber, now);
    if (turn === "late") this.#late.add(subscriber, now);
    else this.#late.delete(subscriber);
  }

  /** Recomputes which subscribers hold the publisher, and which frames history must keep. */
  #reconsider(now: number): void {
    let holdUntil = this.#reliableUntil(now);
    const leastBacklogBytes = this.#leastBacklogBytes();
    const burstUntil = this.#backpressure.decide(now, leastBacklogBytes);
    if (burstUntil !== undefined) holdUntil = Math.min(holdUntil ?? burstUntil, burstUntil);
    this.#holdUntil = holdUntil;
  }

  /** The time until which `reliable` subscribers hold the publisher; undefined: none does. */
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

  /** The backlog of the foremost subscriber; 0 unless every subscriber that is not late has more to get. */
  #leastBacklogBytes(): number {
    const takingPart = this.#subscribers.size - this.#late.size;
    if (takingPart === 0 || this.#full.size < takingPart) return 0;
    return Math.min(...Array.from(this.#full, (subscriber) => subscriber.backlogBytes(this.track)));
  }
}
