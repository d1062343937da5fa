// The subscribers of one process: they join within the ramp, and are counted together.
import { addName, type Counts, noCounts } from "./accounting/counts.ts";
import { Histogram } from "./accounting/histogram.ts";
import { stampClock } from "./clock.ts";
import type { CrowdOptions } from "./options.ts";
import { LoadSubscriber, type Shared } from "./subscriber.ts";
import { wireEnvironment } from "./wire-socket.ts";

const RAMP_STEP_MS = 10;

/** Nothing happens before `join`. */
export class Crowd {
  readonly #options: CrowdOptions;
  readonly #subscribers: LoadSubscriber[] = [];
  readonly #past = noCounts();
  readonly #latency = new Histogram();
  readonly #firstFrame = new Histogram();
  readonly #cpu = process.cpuUsage();
  #ramp: NodeJS.Timeout | undefined;
  /**
   * Subscribers that joined since the last report of published frames, and those that joined in the interval before.
   */
  #fresh: LoadSubscriber[] = [];
  #settled: LoadSubscriber[] = [];

  constructor(options: CrowdOptions) {
    this.#options = options;
  }

  /** All subscribers begin to join, within the time of the ramp. */
  join(): void {
    const { subscribers, rampMs } = this.#options;
    const shared = this.#shared();
    const startedAt = stampClock();
    this.#past.firstStartAt = startedAt;
    this.#ramp = setInterval(() => {
      const share = rampMs === 0 ? 1 : Math.min(1, (stampClock() - startedAt) / rampMs);
      const due = Math.ceil(share * subscribers);
      while (this.#subscribers.length < due) this.#subscribers.push(new LoadSubscriber(shared));
      if (due === subscribers) this.stopJoining();
    }, RAMP_STEP_MS);
  }

  /**
   * The own publisher has published this number of frames: present subscribers should get all later ones. The report
   * may have been on its way for a moment, so it applies to subscribers that were present at the previous report.
   */
  published(frames: number): void {
    for (const subscriber of this.#settled) subscriber.publishedBefore = frames;
    this.#settled = this.#fresh;
    this.#fresh = [];
  }

  /** No further subscribers join. */
  stopJoining(): void {
    clearInterval(this.#ramp);
  }

  /** The current counts. */
  counts(): Counts {
    const counts: Counts = structuredClone(this.#past);
    counts.started = this.#subscribers.length;
    for (const subscriber of this.#subscribers) subscriber.addTo(counts);
    const { user, system } = process.cpuUsage(this.#cpu);
    counts.cpuSeconds = (user + system) / 1e6;
    counts.residentBytes = process.memoryUsage.rss();
    return { ...counts, latency: this.#latency.data, firstFrame: this.#firstFrame.data };
  }

  /** All subscribers leave. */
  close(): void {
    this.stopJoining();
    for (const subscriber of this.#subscribers) subscriber.close();
  }

  #shared(): Shared {
    const { destination, mode } = this.#options;
    return {
      options: this.#options,
      environment: wireEnvironment(destination, mode, (code) => addName(this.#past.failures, code)),
      past: this.#past,
      latency: this.#latency,
      firstFrame: this.#firstFrame,
      joined: (subscriber) => void this.#fresh.push(subscriber),
    };
  }
}
