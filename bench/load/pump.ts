// Publishes for a while within a bounded window, then waits until everything has arrived, or nothing arrives any more.
import { deferred } from "../../client/deferred.ts";
import type { Source } from "./publisher.ts";
import type { BenchSubscriber } from "./subscriber.ts";

/** If nothing has arrived for this long, the drain is over. */
export const QUIET_MS = 3000;

/** How often a paced load is checked, and an unpaced one in case nothing calls. */
const PACED_MS = 1;
const UNPACED_MS = 50;

/** The frames to publish, and their rate. */
export interface Load {
  readonly payloadBytes: number;
  readonly seconds: number;
  /** The publisher waits while the slowest subscriber is this many bytes behind. */
  readonly windowBytes: number;
  /** undefined: as fast as the window allows. */
  readonly framesPerSecond?: number;
  /** Ends earlier after this number of frames. */
  readonly frames?: number;
}

/** One run. It works when something arrived, once per turn of the event loop: it never spins. */
export class Pump {
  readonly #source: Source;
  readonly #subscribers: readonly BenchSubscriber[];
  readonly #load: Load;
  readonly #first: number;
  readonly #last: number;
  readonly #windowFrames: number;
  readonly #startedAt = performance.now();
  readonly #done = deferred<number>();
  #progressAt = this.#startedAt;
  #isScheduled = false;

  constructor(source: Source, subscribers: readonly BenchSubscriber[], load: Load) {
    this.#source = source;
    this.#subscribers = subscribers;
    this.#load = load;
    this.#first = source.published;
    this.#last = load.frames === undefined ? Number.POSITIVE_INFINITY : source.published + load.frames;
    this.#windowFrames = Math.max(1, Math.floor(load.windowBytes / load.payloadBytes));
  }

  /** Returns when the last frame arrived, by `performance.now()`. */
  async run(): Promise<number> {
    for (const subscriber of this.#subscribers) {
      subscriber.onProgress = () => {
        this.#progressAt = performance.now();
        this.#schedule();
      };
    }
    this.#source.onReady = () => this.#schedule();
    const everyMs = this.#load.framesPerSecond === undefined ? UNPACED_MS : PACED_MS;
    const ticker = setInterval(() => this.#schedule(), everyMs);
    try {
      return await this.#done.promise;
    } finally {
      clearInterval(ticker);
    }
  }

  get #isPublishing(): boolean {
    const elapsed = performance.now() - this.#startedAt;
    return elapsed < this.#load.seconds * 1000 && this.#source.published < this.#last;
  }

  get #slowest(): number {
    return this.#subscribers.reduce((least, { ledger }) => Math.min(least, ledger.position), this.#source.published);
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      try {
        this.#turn();
      } catch (error) {
        this.#done.reject(error instanceof Error ? error : new Error(String(error)));
      }
    });
  }

  #turn(): void {
    if (this.#isPublishing) this.#publish();
    else if (this.#slowest === this.#source.published || performance.now() - this.#progressAt > QUIET_MS) {
      this.#done.resolve(this.#progressAt);
    }
  }

  #publish(): void {
    const limit = Math.min(this.#slowest + this.#windowFrames, this.#last);
    while (this.#isPublishing && this.#source.isReady) {
      const frames = Math.min(this.#due, limit - this.#source.published);
      if (frames <= 0) return;
      this.#source.publish(frames);
    }
  }

  /** The number of frames that are due by the rate. */
  get #due(): number {
    const { framesPerSecond } = this.#load;
    if (framesPerSecond === undefined) return 1;
    const elapsed = performance.now() - this.#startedAt;
    return this.#first + Math.floor((elapsed * framesPerSecond) / 1000) - this.#source.published;
  }
}
