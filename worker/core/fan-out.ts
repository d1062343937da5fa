// From a track to its subscribers: who gets what now, when frames are gathered, and when a publisher has to wait.
import { Close, type CloseReason } from "../../protocol/close.ts";
import type { ServerMessage } from "../../protocol/control.ts";
import type { Publication } from "./attachment.ts";
import { Backpressure } from "./backpressure.ts";
import type { Publisher } from "./publisher.ts";
import type { SendBudget } from "./send-budget.ts";
import type { Subscriber } from "./subscriber.ts";
import type { Track } from "./track.ts";
import type { Tuning } from "./tuning.ts";

/** How soon those whose way is full, and held publishers, are looked at again. */
const PAUSED_POLL_MS = 50;
const HELD_POLL_MS = 5;
/** ... and those who got their share of a turn. */
const MORE_POLL_MS = 1;

/** Below it a turn's share would cost more in sends than it saves in memory. */
const MIN_SHARE_BYTES = 16 * 1024;

/** The subscribers of the room, of which some want the track. */
export type Subscribers = ReadonlyMap<string, Subscriber>;

/** A subscriber that the room has to close. */
export interface Closing {
  readonly subscriber: Subscriber;
  readonly reason: CloseReason;
}

/** One track's way to its subscribers. */
export class FanOut {
  readonly track: Track;
  publisher: Publisher | undefined;
  /** Publishes whose frames waited for others. */
  gathered = 0;
  readonly #settings: Tuning;
  readonly #pace: SendBudget;
  readonly #hold: Backpressure;
  #flushAt: number | undefined;
  #pollAt: number | undefined;
  /** Some had more to get than their share of the last turn. */
  #hasMore = false;
  /** Bytes of the epoch up to which the last turn went. */
  #offered = 0;
  #heldTotal = 0;
  /** The oldest sequence that a `reliable` subscriber still needs. */
  #needed = Number.POSITIVE_INFINITY;

  /** `pace` is the room's: all tracks share one budget. */
  constructor(track: Track, settings: Tuning, pace: SendBudget) {
    this.track = track;
    this.#settings = settings;
    this.#pace = pace;
    this.#hold = new Backpressure(settings);
  }

  /** Drops the oldest of its history, unless a `reliable` subscriber needs it: answers whether it did. */
  dropOldest(): boolean {
    return this.track.history.dropOldest(this.#needed);
  }

  /** Drops what is older than `time`, save the newest group and what a `reliable` subscriber needs. */
  dropBefore(time: number): void {
    this.track.history.dropBefore(time, this.#needed);
  }

  /** When it wants `tick`; undefined: nothing is waiting. */
  get dueAt(): number | undefined {
    if (this.#flushAt === undefined || this.#pollAt === undefined) return this.#flushAt ?? this.#pollAt;
    return Math.min(this.#flushAt, this.#pollAt);
  }

  get source(): ServerMessage {
    return { type: "source", name: this.track.name, state: this.publisher === undefined ? "offline" : "online" };
  }

  tell(audience: Subscribers, message: ServerMessage): void {
    for (const subscriber of audience.values()) {
      if (subscriber.wants(this.track)) subscriber.tell(message);
    }
  }

  /** Does what a publisher kept follow what the track has? After sleep only the publisher can tell. */
  continues({ resume, unacknowledged }: Publication): boolean {
    return resume?.epoch === this.track.epoch && (this.track.next !== null || unacknowledged === 0);
  }

  /** The track's first publisher: of a new epoch, or of one that the room has no memory of. */
  open(now: number, audience: Subscribers, { resume, unacknowledged }: Publication): void {
    if (resume === null) this.track.begin(this.track.epoch, 0);
    else this.track.adopt(resume.sequence, unacknowledged ?? Number.POSITIVE_INFINITY);
    for (const subscriber of audience.values()) {
      if (subscriber.wants(this.track)) subscriber.attach(this.track, now);
    }
  }

  /** Another publisher, another numbering. */
  renumber(audience: Subscribers, newEpoch: string): void {
    const { epoch, end } = this.track;
    this.track.begin(newEpoch, 0);
    for (const subscriber of audience.values()) subscriber.leaveEpoch(this.track, epoch, end);
  }

  /** After sleep the publisher tells where the track stands: those who were in step stand there, and the init is gone. */
  wake(audience: Subscribers, sequence: number): void {
    if (this.track.next !== null) return;
    this.track.wake(sequence);
    for (const subscriber of audience.values()) subscriber.wake(this.track, sequence);
    this.publisher?.tell({ type: "init" });
  }

  /** The publisher is gone: what is missing is told, since no group may come. */
  leave(audience: Subscribers): void {
    this.publisher = undefined;
    for (const subscriber of audience.values()) subscriber.settle(this.track);
    this.tell(audience, this.source);
  }

  /** The track has more: sends it, or lets it wait for what comes next. Answers who is to be closed. */
  advance(now: number, audience: Subscribers): Closing[] {
    const isFull = this.track.history.end - this.#offered >= this.#shareBytes(audience);
    const mayGo = isFull || (this.#flushAt === undefined && this.#pace.admit(audience.size, now));
    if (mayGo && !this.#hasMore) return this.pump(now, audience);
    this.gathered++;
    this.#flushAt ??= now + this.#settings.gatherMs;
    return [];
  }

  /** What `dueAt` waited for. */
  tick(now: number, audience: Subscribers): Closing[] {
    return this.dueAt !== undefined && this.dueAt <= now ? this.pump(now, audience) : [];
  }

  /** Sends to everybody what may be sent in one turn. */
  pump(now: number, audience: Subscribers): Closing[] {
    this.#flushAt = undefined;
    this.#hasMore = false;
    this.#offered = this.track.history.end;
    const share = this.#shareBytes(audience);
    this.track.history.mergeUpTo(share);
    const held = this.#heldTotal > this.#settings.heldTotalBytes ? share : this.#settings.heldBytes;
    const closing: Closing[] = [];
    let paused = false;
    let total = 0;
    for (const subscriber of audience.values()) {
      const turn = subscriber.pump(this.track, now, held, share);
      subscriber.save();
      if (turn === "more") this.#hasMore = true;
      else if (turn === "paused") paused = true;
      else if (turn !== "open") closing.push({ subscriber, reason: turn });
      total += subscriber.heldBytes;
    }
    this.#heldTotal = total;
    const isHeld = this.#decideHold(now, audience, closing);
    const pollMs = this.#hasMore ? MORE_POLL_MS : isHeld ? HELD_POLL_MS : paused ? PAUSED_POLL_MS : undefined;
    this.#pollAt = pollMs === undefined ? undefined : now + pollMs;
    return closing;
  }

  /** What one subscriber gets in a turn, so that all of them together stay within what may sit in this process. */
  #shareBytes(audience: Subscribers): number {
    const { heldTotalBytes, blockBytes } = this.#settings;
    return Math.min(blockBytes, Math.max(MIN_SHARE_BYTES, heldTotalBytes / audience.size));
  }

  /** A subscriber comes: sends it what there is. */
  join(now: number, subscriber: Subscriber): Closing[] {
    const { heldBytes } = this.#settings;
    const turn = subscriber.pump(this.track, now, heldBytes, heldBytes);
    this.#needed = Math.min(this.#needed, subscriber.needs(this.track) ?? Number.POSITIVE_INFINITY);
    if (turn === "paused" || turn === "more") this.#pollAt ??= now + PAUSED_POLL_MS;
    else if (turn !== "open") return [{ subscriber, reason: turn }];
    return [];
  }

  /** Looks at everybody once more: who holds the publisher, and what history has to keep. */
  #decideHold(now: number, audience: Subscribers, closing: Closing[]): boolean {
    const { publisher, track } = this;
    let leastQueuedBytes: number | undefined;
    let backlogBytes = 0;
    this.#needed = Number.POSITIVE_INFINITY;
    for (const subscriber of audience.values()) {
      if (!subscriber.wants(track)) continue;
      if (publisher?.isHeld) subscriber.sample(now);
      if (!subscriber.isPaused(track)) {
        leastQueuedBytes = Math.min(leastQueuedBytes ?? Number.POSITIVE_INFINITY, subscriber.queuedBytes);
      }
      const needed = subscriber.needs(track);
      if (needed === undefined || needed === track.next) continue;
      const backlog = track.history.bytesFrom(needed);
      if (backlog > this.#settings.historyBytes / 2 && subscriber.isStalled(now)) {
        closing.push({ subscriber, reason: Close.slow });
        continue;
      }
      backlogBytes = Math.max(backlogBytes, backlog);
      this.#needed = Math.min(this.#needed, needed);
    }
    publisher?.hold(this.#hold.decide(now, { leastQueuedBytes, backlogBytes }), now);
    return publisher?.isHeld ?? false;
  }
}
