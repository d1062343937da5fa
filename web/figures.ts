// Rolling figures of a flow: bits and frames per second over the last two seconds.

/** The window that the figures cover. */
export const WINDOW_MS = 2000;

const BUCKET_MS = 100;

interface Bucket {
  readonly since: number;
  bytes: number;
  frames: number;
}

/** What flowed per second, averaged over the window. */
export interface Rates {
  readonly kilobitsPerSecond: number;
  readonly framesPerSecond: number;
}

/** Counts frames as they come; holds at most a window's worth of buckets, whatever the frame rate. */
export class Meter {
  #buckets: Bucket[] = [];

  /** One frame of so many bytes came at `now` (milliseconds). */
  add(bytes: number, now: number): void {
    let bucket = this.#buckets.at(-1);
    if (bucket === undefined || now - bucket.since >= BUCKET_MS) {
      bucket = { since: now, bytes: 0, frames: 0 };
      this.#buckets.push(bucket);
      this.#forget(now);
    }
    bucket.bytes += bytes;
    bucket.frames += 1;
  }

  /** The figures at `now`. */
  rates(now: number): Rates {
    this.#forget(now);
    let bytes = 0;
    let frames = 0;
    for (const bucket of this.#buckets) {
      bytes += bucket.bytes;
      frames += bucket.frames;
    }
    return { kilobitsPerSecond: (bytes * 8) / WINDOW_MS, framesPerSecond: (frames * 1000) / WINDOW_MS };
  }

  #forget(now: number): void {
    const first = this.#buckets.findIndex((bucket) => now - bucket.since < WINDOW_MS);
    this.#buckets = first === -1 ? [] : this.#buckets.slice(first);
  }
}
