// The cost meter: counts billed usage while a room works. It reads no clock and sets no timer.
import type { KeyValueStore } from "./key-value-store.ts";
import { minus, type Usage } from "./usage.ts";

/** An idle object is not billed. A busy one wakes at least this often, so a longer silence means that it was idle. */
const BUSY_GAP_MS = 1000;

/** The duration of a call that took no visible time: the clock stands still while code runs. */
const TURN_MS = 1;

/** The usage per hour is computed from the last one to two of these windows. */
const WINDOW_MS = 60_000;

type Sums = { -readonly [Name in keyof Usage]: number };

/** The counts of one room. Times are ms since 1970. */
export class Meter {
  readonly #sums: Sums;
  #turnAt: number | undefined;
  #subscribers = 0;
  #subscribersAt: number;
  #relays = 0;
  #recorders = 0;
  #elsewhere = 0;
  #storedBytes = 0;
  /** The usage at two past times, the older one first. */
  #past: readonly [Sample, Sample];

  /** Continues from `before`, as of `at`, when there were `subscribers`. */
  constructor(before: Usage, at: number, subscribers = 0) {
    this.#sums = { ...before };
    this.#subscribers = subscribers;
    this.#elsewhere = subscribers;
    this.#past = [
      { at, usage: before },
      { at, usage: before },
    ];
    this.#subscribersAt = at;
  }

  get usage(): Usage {
    return { ...this.#sums };
  }

  /** The recent usage, and the ms that it covers. */
  recent(now: number): { readonly usage: Usage; readonly ms: number } {
    this.#slide(now);
    const [{ at, usage }] = this.#past;
    return { usage: minus(this.usage, usage), ms: Math.max(1, now - at) };
  }

  /** Something happens in the object. */
  turn(now: number): void {
    this.#slide(now);
    const gap = this.#turnAt === undefined ? TURN_MS : Math.max(0, now - this.#turnAt);
    const awakeMs = gap <= BUSY_GAP_MS ? gap : TURN_MS;
    this.#turnAt = now;
    // Relays and recorders are awake while frames come, as the room is.
    this.#sums.awakeMs += awakeMs * (1 + this.#relays + this.#recorders);
  }

  /** A call, an upgrade, an alarm. */
  request(): void {
    this.#sums.requests++;
  }

  /** A message arrived. */
  message(): void {
    this.#sums.messages++;
  }

  /** A message with frames came: each relay gets one, too, and the recorder of its track. */
  frames(bytes: number): void {
    this.#sums.bytesIn += bytes;
    this.#sums.messages += 1 + this.#relays + Math.min(1, this.#recorders);
  }

  /** How many are there from now on: in the room, at relays, how many relays serve them, and how many recorders have a link. */
  serves(now: number, subscribers: number, elsewhere: number, relays: number, recorders = 0): void {
    const passed = Math.max(0, now - this.#subscribersAt);
    this.#sums.subscriberMs += this.#subscribers * passed;
    this.#sums.storedByteMs += this.#storedBytes * passed;
    this.#subscribersAt = now;
    this.#subscribers = subscribers;
    // Each subscriber that joins at a relay was a request there.
    this.#sums.requests += Math.max(0, elsewhere - this.#elsewhere);
    this.#elsewhere = elsewhere;
    this.#relays = relays;
    this.#recorders = recorders;
  }

  queued(): void {
    this.#sums.queueMessages++;
  }

  /** So many bytes of recordings are kept since `serves` was called last. */
  stores(bytes: number, writes: number, reads: number): void {
    this.#storedBytes = bytes;
    this.#sums.storageWrites += writes;
    this.#sums.storageReads += reads;
  }

  rows(written: number, read: number): void {
    this.#sums.rowsWritten += written;
    this.#sums.rowsRead += read;
  }

  #slide(now: number): void {
    const [, newer] = this.#past;
    if (now - newer.at < WINDOW_MS) return;
    const current = { at: now, usage: this.usage };
    // After a long silence, the older sample does not describe the recent past.
    this.#past = [now - newer.at < 2 * WINDOW_MS ? newer : current, current];
  }
}

interface Sample {
  readonly at: number;
  readonly usage: Usage;
}

/** The same store, with a count of its rows. */
export function meteredStore(kv: KeyValueStore, meter: () => Pick<Meter, "rows"> | undefined): KeyValueStore {
  const count = (written: number, read: number) => meter()?.rows(written, read);
  return {
    get: (key) => {
      count(0, 1);
      return kv.get(key);
    },
    *list<T>(options?: { readonly prefix?: string }) {
      for (const entry of kv.list<T>(options)) {
        count(0, 1);
        yield entry;
      }
    },
    put: (key, value) => {
      kv.put(key, value);
      count(1, 0);
    },
    delete: (key) => {
      const answer = kv.delete(key);
      count(1, 0);
      return answer;
    },
  };
}
