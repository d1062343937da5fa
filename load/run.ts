// A whole load: joins, stays, ends the stream, drains, and accounts for every frame.
import { setTimeout as sleep } from "node:timers/promises";
import { DEFAULT_TRACK } from "../protocol/names.ts";
import { type Counts, sumOf } from "./accounting/counts.ts";
import { type Ends, endsOf, type LoadResult, resultOf, waitingOf } from "./accounting/result.ts";
import { findDestination } from "./destination.ts";
import type { CrowdOptions, LoadOptions } from "./options.ts";
import { LoadPublisher } from "./publisher.ts";
import { forkedShare, localShare, type Share } from "./share.ts";

const LOOK_MS = 250;
/**
 * If nothing has arrived for the first time, the drain is over: it is three times as late as a live subscriber may be.
 * In any case, it is over after the second time.
 */
const QUIET_MS = 15_000;
const MAX_DRAIN_MS = 120_000;

/** The current phase of a load. */
export type Phase = "joining" | "streaming" | "draining";

/** The user of a load. */
export interface LoadUser {
  /** Starts a process that calls `serveShare`: its program and arguments. */
  readonly fork: readonly [program: string, ...args: string[]];
  /** Called a few times a second. */
  progress(phase: Phase, counts: Counts, publishedFrames: number | undefined): void;
  /** Ends the load early, in an orderly way. */
  readonly stop: AbortSignal;
  /** Also ends the drain. */
  readonly abandon: AbortSignal;
}

/** Runs a load to its end. Rejects if the Worker cannot be reached, or refuses the publisher. */
export async function runLoad(options: LoadOptions, user: LoadUser): Promise<LoadResult> {
  const { url, room, track = DEFAULT_TRACK, publish } = options;
  const destination = await findDestination(url);
  const run = Math.floor(Math.random() * 2 ** 32);
  const own = publish && { bytes: publish.frameBytes, run };
  const shares = await sharesOf({ ...options, own, destination, rampMs: options.rampSeconds * 1000 }, options, user);
  let load: Load | undefined;
  try {
    const publisher = publish && (await LoadPublisher.start({ ...publish, url, room, track, run }));
    load = new Load(options, user, publisher, shares);
    return await load.run();
  } finally {
    await load?.end();
    await Promise.all(shares.map((share) => share.close()));
  }
}

/** Equal shares, each with the whole ramp. */
function sharesOf(crowd: CrowdOptions, { processes }: LoadOptions, user: LoadUser): Promise<Share[]> {
  const { subscribers } = crowd;
  const shares = Array.from({ length: processes }, async (_, index) => {
    const begin = Math.floor((subscribers * index) / processes);
    const options = { ...crowd, subscribers: Math.floor((subscribers * (index + 1)) / processes) - begin };
    const [program, ...args] = user.fork;
    return processes === 1 ? localShare(options) : forkedShare(program, args, options);
  });
  return Promise.all(shares);
}

class Load {
  readonly #options: LoadOptions;
  readonly #user: LoadUser;
  readonly #publisher: LoadPublisher | undefined;
  readonly #shares: readonly Share[];
  readonly #startedAt = performance.now();
  #publisherRefused: string | undefined;
  /** The processor time of the busiest process. */
  #busiestSeconds = 0;

  constructor(options: LoadOptions, user: LoadUser, publisher: LoadPublisher | undefined, shares: readonly Share[]) {
    this.#options = options;
    this.#user = user;
    this.#publisher = publisher;
    this.#shares = shares;
    void publisher?.over.then((code) => {
      this.#publisherRefused = code;
    });
  }

  async run(): Promise<LoadResult> {
    const { rampSeconds, seconds, processes } = this.#options;
    for (const share of this.#shares) share.join();
    await this.#stay("joining", rampSeconds * 1000);
    await this.#stay("streaming", (rampSeconds + seconds) * 1000);
    const isInterrupted = this.#user.stop.aborted;
    for (const share of this.#shares) share.stopJoining();
    const own = await this.#publisher?.end(QUIET_MS);
    const ends = { ...endsOf(await this.#counts()), ...own };
    const counts = await this.#drain(ends);
    const took = (performance.now() - this.#startedAt) / 1000;
    return resultOf(counts, {
      ends,
      isInterrupted,
      processes,
      seconds: took,
      published: this.#publisher?.published,
      publisherRefused: this.#publisherRefused,
      cpuShare: this.#busiestSeconds / took,
    });
  }

  /** The publisher leaves at its current position. */
  async end(): Promise<void> {
    await this.#publisher?.end(0);
  }

  async #stay(phase: Phase, untilMs: number): Promise<void> {
    const { stop } = this.#user;
    for (;;) {
      const left = this.#startedAt + untilMs - performance.now();
      if (left <= 0 || stop.aborted || this.#publisherRefused !== undefined) return;
      const counts = await this.#look(phase);
      if (counts.refused === this.#options.subscribers) return;
      await sleep(Math.min(LOOK_MS, left), undefined, { signal: stop }).catch(() => {});
    }
  }

  /** Waits until all subscribers have everything, nothing arrives any more, or the user abandons it. */
  async #drain(ends: Ends): Promise<Counts> {
    const startedAt = performance.now();
    let progressAt = startedAt;
    let before = -1;
    for (;;) {
      const counts = await this.#look("draining");
      const now = performance.now();
      const accounted = counts.frames + counts.told + counts.gaps + counts.reconnects;
      if (accounted !== before) progressAt = now;
      before = accounted;
      const isOver = now - progressAt > QUIET_MS || now - startedAt > MAX_DRAIN_MS || this.#user.abandon.aborted;
      if (isOver || waitingOf(counts, ends, this.#publisher?.published) === 0) return counts;
      await sleep(LOOK_MS, undefined, { signal: this.#user.abandon }).catch(() => {});
    }
  }

  async #look(phase: Phase): Promise<Counts> {
    const published = this.#publisher?.published.frames;
    for (const share of this.#shares) if (published !== undefined) share.published(published);
    const counts = await this.#counts();
    this.#user.progress(phase, counts, published);
    return counts;
  }

  async #counts(): Promise<Counts> {
    const all = await Promise.all(this.#shares.map((share) => share.counts()));
    this.#busiestSeconds = Math.max(...all.map(({ cpuSeconds }) => cpuSeconds));
    return sumOf(all);
  }
}
