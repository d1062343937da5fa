// The tracks of a room, their numbers, and the common limit of their histories.
import { MAX_TRACKS } from "../../protocol/limits.ts";
import type { ByteBudget } from "./byte-budget.ts";
import type { Budgets } from "./fan-out.ts";
import { LiveTrack } from "./live-track.ts";
import { SendBudget } from "./send-budget.ts";
import { Track } from "./track.ts";
import type { Tuning } from "./tuning.ts";

/** Tracks by name. They share one send budget, one byte budget and one history limit. */
export class Tracks {
  readonly #tuning: Tuning;
  readonly #budgets: Budgets;
  readonly #byName = new Map<string, LiveTrack>();
  /** True if another object of the room determines their contents. */
  areCopies = false;

  constructor(tuning: Tuning, bytes: ByteBudget) {
    this.#tuning = tuning;
    this.#budgets = { sends: new SendBudget(tuning.sendBudget), bytes };
  }

  get(name: string): LiveTrack | undefined {
    return this.#byName.get(name);
  }

  [Symbol.iterator](): Iterator<LiveTrack> {
    return this.#byName.values();
  }

  sendsPerSecond(now: number): number {
    return this.#budgets.sends.perSecond(now);
  }

  /** True if there is a place for another track. A track that is over, and gone from history, gives up its place. */
  hasPlace(now: number): boolean {
    if (this.#byName.size < MAX_TRACKS) return true;
    for (const live of this) {
      if (live.isRetired(now)) this.retire(live);
    }
    return this.#byName.size < MAX_TRACKS;
  }

  /** The track is over. */
  retire(live: LiveTrack): void {
    live.fanOut.dissolve();
    this.#byName.delete(live.track.name);
  }

  /** Creates a track that the room has no memory of, under the lowest free number, or under its known number. */
  create(name: string, epoch: string, number = this.#freeNumber()): LiveTrack {
    const track = new Track(name, number, epoch, this.#tuning.blockBytes, this.areCopies);
    const live = new LiveTrack(track, this.#tuning, this.#budgets);
    this.#byName.set(name, live);
    return live;
  }

  /** Keeps the history of all tracks together within its limit: the largest that can shrink goes first. */
  boundHistory(now: number): void {
    let total = 0;
    for (const { fanOut, track } of this) {
      fanOut.dropBefore(now - this.#tuning.historyMs);
      total += track.bytes;
    }
    while (total > this.#tuning.historyBytes) {
      const giver = this.#bySize().find(({ fanOut }) => fanOut.dropOldest());
      if (giver === undefined) return;
      total = this.#bySize().reduce((sum, { track }) => sum + track.bytes, 0);
    }
  }

  /** The figures of the tracks. */
  figures() {
    return Array.from(this, ({ track, source, fanOut }) => ({
      name: track.name,
      number: track.number,
      epoch: track.epoch,
      format: track.format,
      next: track.next,
      oldest: track.history.first ?? null,
      groupStart: track.history.groupStart ?? null,
      historyBytes: track.history.bytes,
      initBytes: track.initAt(Number.POSITIVE_INFINITY)?.payload.byteLength ?? 0,
      source: source.state,
      gathered: fanOut.gathered,
    }));
  }

  #bySize(): LiveTrack[] {
    return [...this].sort((a, b) => b.track.bytes - a.track.bytes);
  }

  #freeNumber(): number {
    const used = new Set(Array.from(this, ({ track }) => track.number));
    let number = 0;
    while (used.has(number)) number++;
    return number;
  }
}
