// The tracks of a room: which there are, under which numbers, and that their histories together stay in bounds.
import { MAX_TRACKS } from "../../protocol/limits.ts";
import type { ByteBudget } from "./byte-budget.ts";
import type { Budgets } from "./fan-out.ts";
import { LiveTrack } from "./live-track.ts";
import { SendBudget } from "./send-budget.ts";
import { Track } from "./track.ts";
import type { Tuning } from "./tuning.ts";

/** Tracks by name. They share one budget of sends, one of queued bytes and one of history. */
export class Tracks {
  readonly #tuning: Tuning;
  readonly #budgets: Budgets;
  readonly #byName = new Map<string, LiveTrack>();

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

  /** Is there a place for another one? A track that is over, and that history has forgotten, gives up its place. */
  hasPlace(now: number): boolean {
    if (this.#byName.size < MAX_TRACKS) return true;
    for (const live of this) {
      if (!live.isRetired(now)) continue;
      live.fanOut.dissolve();
      this.#byName.delete(live.track.name);
    }
    return this.#byName.size < MAX_TRACKS;
  }

  /** A track that the room has no memory of, under the lowest free number; where numbers were told before, under that. */
  create(name: string, epoch: string, number = this.#freeNumber()): LiveTrack {
    const live = new LiveTrack(new Track(name, number, epoch, this.#tuning.blockBytes), this.#tuning, this.#budgets);
    this.#byName.set(name, live);
    return live;
  }

  /** History of all tracks together stays in its bounds: the largest that can gives first. */
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

  /** What the room tells of its tracks. */
  figures() {
    return Array.from(this, ({ track, source, fanOut }) => ({
      name: track.name,
      number: track.number,
      epoch: track.epoch,
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
