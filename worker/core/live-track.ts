// A track with both of its sides: the source that sends into it, and the fan-out to its subscribers.
import type { ServerMessage } from "../../protocol/control.ts";
import type { Publication } from "./attachment.ts";
import { earliest } from "./earliest.ts";
import { type Budgets, type Closing, FanOut } from "./fan-out.ts";
import type { Publisher } from "./publisher.ts";
import type { Subscriber } from "./subscriber.ts";
import type { Track } from "./track.ts";
import type { Tuning } from "./tuning.ts";

/** Where the track's frames come from. In its grace a publisher is gone, and subscribers are not told yet. */
type Source =
  | { readonly at: "online"; readonly publisher: Publisher }
  | { readonly at: "grace"; readonly until: number }
  | { readonly at: "offline" };

/** One track of a room. Times are ms since 1970. */
export class LiveTrack {
  readonly track: Track;
  readonly fanOut: FanOut;
  readonly #tuning: Tuning;
  #source: Source = { at: "offline" };

  constructor(track: Track, tuning: Tuning, budgets: Budgets) {
    this.track = track;
    this.fanOut = new FanOut(track, tuning, budgets);
    this.#tuning = tuning;
  }

  get publisher(): Publisher | undefined {
    return this.#source.at === "online" ? this.#source.publisher : undefined;
  }

  /** What subscribers are told of the source. */
  get source(): ServerMessage & { type: "source" } {
    return { type: "source", name: this.track.name, state: this.#source.at === "offline" ? "offline" : "online" };
  }

  /** Does what a publisher kept follow what the track has? After sleep only the publisher can tell. */
  continues({ resume, unacknowledged }: Publication): boolean {
    return resume?.epoch === this.track.epoch && (this.track.next !== null || unacknowledged === 0);
  }

  /** The track's first publisher: of a new epoch, or of one that the room has no memory of. */
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

  /** After sleep the publisher tells where the track stands: those who were in step stand there, and the init is gone. */
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

  /** After sleep: subscribers know. */
  restore(publisher: Publisher): void {
    this.#source = { at: "online", publisher };
  }

  /** The publisher is gone. `isFinal`: nobody expects it back. */
  leave(now: number, publisher: Publisher, isFinal: boolean): void {
    if (this.publisher !== publisher) return;
    this.#source = { at: "grace", until: now + (isFinal || this.track.hasEnded ? 0 : this.#tuning.publisherGraceMs) };
    this.#endGrace(now);
  }

  /** Has it no publisher, and nothing that a newcomer could get? Then another track may have its place. */
  isRetired(now: number): boolean {
    return this.#source.at === "offline" && this.track.isOlderThan(now - this.#tuning.historyMs);
  }

  get dueAt(): number | undefined {
    return earliest([this.fanOut.dueAt, this.#source.at === "grace" ? this.#source.until : undefined]);
  }

  /** What `dueAt` waited for. Returns who is to be closed. */
  tick(now: number): Closing[] {
    this.#endGrace(now);
    return this.#after(now, this.fanOut.tick(now));
  }

  /** Frames, or a gap, have come. */
  advance(now: number): Closing[] {
    return this.#after(now, this.fanOut.advance(now));
  }

  /** Sends to everybody what may be sent. */
  pump(now: number): Closing[] {
    return this.#after(now, this.fanOut.pump(now));
  }

  /** A subscriber comes: it is told of the source, and gets what there is. */
  join(now: number, subscriber: Subscriber): Closing[] {
    subscriber.tell(this.source);
    return this.#after(now, this.fanOut.join(now, subscriber));
  }

  /** A subscriber is gone. */
  part(now: number, subscriber: Subscriber): void {
    this.fanOut.leave(now, subscriber);
    this.#after(now, []);
  }

  /** A subscriber may take more. */
  serve(now: number, subscriber: Subscriber): Closing[] {
    return this.#after(now, this.fanOut.serve(now, subscriber));
  }

  /** The publisher waits, or goes on. */
  #after(now: number, closings: Closing[]): Closing[] {
    this.publisher?.hold(this.fanOut.holds, now);
    return closings;
  }

  #endGrace(now: number): void {
    if (this.#source.at !== "grace" || this.#source.until > now) return;
    this.#source = { at: "offline" };
    this.fanOut.tellMissing();
    this.fanOut.tell(this.source);
  }
}
