// Rolling figures of a stream: bits and frames per second over the last two seconds.
import type { Latency } from "./players/playback.ts";

/** The window that the figures cover. */
export const WINDOW_MS = 2000;

const BUCKET_MS = 100;

interface Bucket {
  readonly since: number;
  bytes: number;
  frames: number;
}

/** Rates per second, averaged over the window. */
export interface Rates {
  readonly kilobitsPerSecond: number;
  readonly framesPerSecond: number;
}

/** Counts frames as they arrive. Keeps at most one window of buckets, whatever the frame rate. */
export class Meter {
  #buckets: Bucket[] = [];

  /** Counts one frame of `bytes` at `now` (milliseconds). */
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

const TENTHS = new Intl.NumberFormat("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
/** If clocks differ by more than this, they give no latency. */
const MAX_LATENCY_S = 3600;

/** The age of the visible picture, and its basis, in words. */
export function latencyText({ seconds, by }: Latency): string {
  if (by === "buffer") return `${TENTHS.format(seconds)} s behind the newest bytes`;
  if (seconds < -0.05 || seconds > MAX_LATENCY_S) return "the publisher's clock differs from this one";
  return `${TENTHS.format(Math.max(0, seconds))} s behind the publisher's clock`;
}
