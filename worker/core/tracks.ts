// The tracks of a room: which there are, under which numbers, and that their histories together stay in bounds.
import { MAX_TRACKS } from "../../protocol/limits.ts";
import { FanOut } from "./fan-out.ts";
import { SendBudget } from "./send-budget.ts";
import { Track } from "./track.ts";
import type { Tuning } from "./tuning.ts";

/** Tracks by name, each with its way to the subscribers. They share one budget of sends and one of history. */
export class Tracks {
  readonly #settings: Tuning;
  readonly #pace: SendBudget;
  readonly #byName = new Map<string, FanOut>();

  /** `settings` are read at each use. */
  constructor(settings: Tuning) {
    this.#settings = settings;
    this.#pace = new SendBudget(settings.sendBudget);
  }

  get isFull(): boolean {
    return this.#byName.size >= MAX_TRACKS;
  }

  get(name: string): FanOut | undefined {
    return this.#byName.get(name);
  }

  [Symbol.iterator](): Iterator<FanOut> {
    return this.#byName.values();
  }

  /** A track that the room has no memory of, under the lowest free number; where numbers were told before, under that. */
  create(name: string, epoch: string, number = this.#freeNumber()): FanOut {
    const fanOut = new FanOut(new Track(name, number, epoch, this.#settings.blockBytes), this.#settings, this.#pace);
    this.#byName.set(name, fanOut);
    return fanOut;
  }

  /** History of all tracks together stays in its bounds: the largest that can gives first. */
  boundHistory(now: number): void {
    let total = 0;
    for (const fanOut of this) {
      fanOut.dropBefore(now - this.#settings.historyMs);
      total += fanOut.track.history.bytes;
    }
    while (total > this.#settings.historyBytes) {
      const giver = this.#bySize().find((fanOut) => fanOut.dropOldest());
      if (giver === undefined) return;
      total = this.#bySize().reduce((sum, { track }) => sum + track.history.bytes, 0);
    }
  }

  /** What the room tells of its tracks. */
  figures() {
    return Array.from(this, ({ track, publisher, gathered }) => ({
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
  }

  #bySize(): FanOut[] {
    return [...this].sort((a, b) => b.track.history.bytes - a.track.history.bytes);
  }

  #freeNumber(): number {
    const used = new Set(Array.from(this, ({ track }) => track.number));
    let number = 0;
    while (used.has(number)) number++;
    return number;
  }
}
