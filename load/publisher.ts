// The own publisher of a load: stamped frames of one size, at a constant rate, with a group each second.
import { nodeEnvironment } from "../client/node.ts";
import { Publisher } from "../client/publisher.ts";
import { Flag } from "../protocol/frame.ts";
import { runName } from "./accounting/counts.ts";
import { PLAIN_RUN } from "./accounting/plain-account.ts";
import type { Ends, Published } from "./accounting/result.ts";
import { stampedPayload } from "./accounting/stamp.ts";
import { stampClock } from "./clock.ts";
import type { PublisherOptions } from "./options.ts";

/** The longest delay of a frame that the publisher itself causes. */
const MOST_STEP_MS = 10;
/** It makes up for delays up to this; above it, the rate was not kept. */
const CATCH_UP_MS = 200;

/** Publishes from its acceptance until its end. */
export class LoadPublisher {
  /** Resolves at the end; with a code if the room refused it. */
  readonly over: Promise<string | undefined>;
  readonly #publisher: Publisher;
  readonly #options: PublisherOptions;
  readonly #groupFrames: number;
  readonly #timer: NodeJS.Timeout;
  #frames = 0;
  /** When frame 0 was due; later if the rate was not kept. */
  #startedAt = stampClock();
  #isFull = false;

  private constructor(publisher: Publisher, options: PublisherOptions) {
    this.#publisher = publisher;
    this.#options = options;
    this.#groupFrames = Math.max(1, Math.round(options.framesPerSecond));
    this.over = publisher.closed.then((refusal) => refusal?.code);
    this.#timer = setInterval(() => this.#turn(), Math.min(MOST_STEP_MS, 1000 / options.framesPerSecond));
    this.#turn();
  }

  /** Resolves when it has published the first frame. Rejects with `RefusedError`. */
  static async start(options: PublisherOptions): Promise<LoadPublisher> {
    const publisher = new Publisher({ ...options, environment: nodeEnvironment });
    await publisher.ready();
    return new LoadPublisher(publisher, options);
  }

  get published(): Published {
    const frames = this.#frames;
    return { frames, bytes: frames * this.#options.frameBytes, groupFrames: this.#groupFrames };
  }

  /**
   * The last frame has been written: resolves with the ends of the runs when the room has everything, or after `ms`.
   */
  async end(ms: number): Promise<Ends> {
    clearInterval(this.#timer);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms);
    });
    const ended = this.#publisher.end().then(
      () => true,
      () => false,
    );
    const hasAll = await Promise.race([ended, late]);
    clearTimeout(timer);
    this.#publisher.close();
    return hasAll === true ? this.#ends() : {};
  }

  /** The mark at the end of the epoch is not a frame. */
  #ends(): Ends {
    const { acknowledged } = this.#publisher.stats;
    const framed = acknowledged && { [runName(this.#options.track, acknowledged.epoch)]: acknowledged.sequence - 1 };
    return { [PLAIN_RUN]: this.#frames, ...framed };
  }

  #turn(): void {
    if (this.#isFull) return;
    const { framesPerSecond, frameBytes, run } = this.#options;
    const now = stampClock();
    const latest = now - (this.#frames * 1000) / framesPerSecond - CATCH_UP_MS;
    this.#startedAt = Math.max(this.#startedAt, latest);
    const due = 1 + Math.floor(((now - this.#startedAt) * framesPerSecond) / 1000) - this.#frames;
    if (due <= 0) return;
    const frames = Array.from({ length: due }, () => {
      const index = this.#frames++;
      const flags = index % this.#groupFrames === 0 ? Flag.key : 0;
      return { payload: stampedPayload(frameBytes, index, now, run), flags };
    });
    this.#isFull = true;
    this.#publisher.write(frames).then(
      () => {
        this.#isFull = false;
      },
      () => clearInterval(this.#timer),
    );
  }
}
