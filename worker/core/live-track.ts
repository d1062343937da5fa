// A track with both of its sides: the source that sends into it, and the fan-out to its subscribers.
import type { ServerMessage } from "../../protocol/control.ts";
import type { Publication } from "./attachment.ts";
import { earliest } from "./earliest.ts";
import { type Budgets, type Closing, FanOut } from "./fan-out.ts";
import type { Publisher } from "./publisher.ts";
import type { Subscriber } from "./subscriber.ts";
import type { Track } from "./track.ts";
import type { Tuning } from "./tuning.ts";

/** The source of the track's frames. During the grace, a publisher is gone, and subscribers do not know it yet. */
type Source =
  | { readonly at: "online"; readonly publisher: Publisher }
  /** It publishes at another object of the room. */
  | { readonly at: "elsewhere" }
  | { readonly at: "grace"; readonly until: number }
  | { readonly at: "offline" };

/**
 * The time in which a relay should learn of a new epoch after a subscriber that came from another object. A link is
 * given up after less than ten times this.
 */
const EARLY_MS = 2000;

/** One track of a room. Times are ms since 1970. */
export class LiveTrack {
  readonly track: Track;
  readonly fanOut: FanOut;
  readonly #tuning: Tuning;
  #source: Source = { at: "offline" };
  /** Subscribers that know an epoch that the parent has not announced, and how long they wait for it. */
  readonly #early = new Map<Subscriber, number>();

  constructor(track: Track, tuning: Tuning, budgets: Budgets) {
    this.track = track;
    this.fanOut = new FanOut(track, tuning, budgets);
    this.#tuning = tuning;
  }

  get publisher(): Publisher | undefined {
    return this.#source.at === "online" ? this.#source.publisher : undefined;
  }

  /** The source's state for subscribers. */
  get source(): ServerMessage & { type: "source" } {
    return { type: "source", name: this.track.name, state: this.#source.at === "offline" ? "offline" : "online" };
  }

  /** True if the publisher's kept frames follow the track's. After sleep, only the publisher can tell. */
  continues({ resume, unacknowledged }: Publication): boolean {
    return resume?.epoch === this.track.epoch && (this.track.next !== null || unacknowledged === 0);
  }

  /** The track's first publisher: starts a new epoch, or continues one that the room has no memory of. */
  open({ resume, unacknowledged }: Publication): void {
    if (resume === null) this.track.begin(this.track.epoch, 0);
    else this.track.adopt(resume.sequence, unacknowledged ?? Number.POSITIVE_INFINITY);
  }

  /** Another publisher, another numbering. */
  renumber(newEpoch: string): void {
    const { epoch, end } = this.track;
    this.track.begin(newEpoch, 0);
    this.fanOut.leaveEpoch(epoch, end);
  }

  /**
   * Its publisher declares the format. Subscribers are told if it is new; later ones get it with `track`. Returns true
   * if it is new.
   */
  describe(format: string | null): boolean {
    const { name, epoch } = this.track;
    if (this.track.format === format) return false;
    this.track.format = format;
    this.fanOut.tell({ type: "format", name, epoch, format });
    return true;
  }

  /**
   * After sleep, the publisher gives the track's position: subscribers in step have the same position, and the init is
   * gone.
   */
  wake(sequence: number): void {
    if (this.track.next !== null) return;
    this.track.wake(sequence);
    this.fanOut.wake(sequence);
    this.publisher?.tell({ type: "init" });
  }

  /** A publisher takes the track. Subscribers are told, unless they believed it online. */
  come(publisher: Publisher): void {
    const isNews = this.#source.at === "offline";
    this.#source = { at: "online", publisher };
    if (isNews) this.fanOut.tell(this.source);
  }

  /**
   * The parent's state of the source. If it is offline, nothing may come for long, so missing frames are reported now.
   */
  follow(state: "online" | "offline"): void {
    const isNews = this.source.state !== state;
    this.#source = state === "online" ? { at: "elsewhere" } : { at: "offline" };
    if (!isNews) return;
    if (state === "offline") this.fanOut.tellMissing();
    this.fanOut.tell(this.source);
  }

  /** After sleep, at a relay: subscribers know the state. */
  restoreSource(state: "online" | "offline"): void {
    this.#source = state === "online" ? { at: "elsewhere" } : { at: "offline" };
  }

  /** The parent's numbering continues with another epoch, at `sequence`. */
  followEpoch(newEpoch: string, sequence: number): void {
    const { epoch, end } = this.track;
    this.track.follow(newEpoch, sequence);
    this.fanOut.leaveEpoch(epoch, end);
  }

  /** The parent uses another number for its frames. */
  changeNumber(number: number): void {
    this.track.renumber(number);
    this.fanOut.renumbered();
  }

  /** After sleep: subscribers know the publisher. */
  restore(publisher: Publisher): void {
    this.#source = { at: "online", publisher };
  }

  /** The publisher is gone. `isFinal`: it is not expected back. */
  leave(now: number, publisher: Publisher, isFinal: boolean): void {
    if (this.publisher !== publisher) return;
    this.#source = { at: "grace", until: now + (isFinal || this.track.hasEnded ? 0 : this.#tuning.publisherGraceMs) };
    this.#endGrace(now);
  }

  /** True if it has no publisher, and no frame for a newcomer. Another track may then take its place. */
  isRetired(now: number): boolean {
    return this.#source.at === "offline" && this.track.isOlderThan(now - this.#tuning.historyMs);
  }

  get dueAt(): number | undefined {
    const [earlyUntil] = this.track.isBetweenEpochs ? [] : this.#early.values();
    return earliest([this.fanOut.dueAt, this.#source.at === "grace" ? this.#source.until : undefined, earlyUntil]);
  }

  /** Does the work that `dueAt` waited for. Returns the subscribers to close. */
  tick(now: number): Closing[] {
    this.#endGrace(now);
    return this.#after(now, [...this.#endWaits(now), ...this.fanOut.tick(now)]);
  }

  /** Frames, a gap, or another epoch have arrived. */
  advance(now: number): Closing[] {
    this.track.isBetweenEpochs = false;
    return this.#after(now, this.fanOut.advance(now));
  }

  /** Sends to each subscriber as much as allowed. */
  pump(now: number): Closing[] {
    return this.#after(now, this.fanOut.pump(now));
  }

  /** A subscriber joins: it is told the source's state, and gets the available frames. */
  join(now: number, subscriber: Subscriber): Closing[] {
    subscriber.tell(this.source);
    const closings = this.fanOut.join(now, subscriber);
    if (subscriber.cursors.get(this.track)?.isEarly) this.#early.set(subscriber, now + EARLY_MS);
    return this.#after(now, closings);
  }

  /** A subscriber is gone. */
  part(now: number, subscriber: Subscriber): void {
    this.#early.delete(subscriber);
    this.fanOut.leave(now, subscriber);
    this.#after(now, []);
  }

  /** A subscriber may take more. */
  serve(now: number, subscriber: Subscriber): Closing[] {
    return this.#after(now, this.fanOut.serve(now, subscriber));
  }

  /** Makes the publisher wait, or continue. */
  #after(now: number, closings: Closing[]): Closing[] {
    this.publisher?.hold(this.fanOut.holds, now);
    return closings;
  }

  /** Tells subscribers that have waited long enough that their epoch is over. */
  #endWaits(now: number): Closing[] {
    const closings: Closing[] = [];
    if (this.track.isBetweenEpochs) return closings;
    for (const [subscriber, until] of this.#early) {
      if (until > now) break;
      this.#early.delete(subscriber);
      subscriber.cursors.get(this.track)?.waitNoMore();
      closings.push(...this.fanOut.serve(now, subscriber));
    }
    return closings;
  }

  #endGrace(now: number): void {
    if (this.#source.at !== "grace" || this.#source.until > now) return;
    this.#source = { at: "offline" };
    this.fanOut.tellMissing();
    this.fanOut.tell(this.source);
  }
}
