// Publishes a shared source to a track: encoders, a publisher, and the bitrate that the connection allows.
import { Publisher, RefusedError } from "../../client/index.ts";
import type { Pipeline, StartPipeline } from "./pipeline.ts";
import { Backlog, RateControl } from "./rate-control.ts";
import { SoundMix } from "./sound-mix.ts";
import type { Source } from "./sources.ts";
import type { BroadcastFigures } from "./status.ts";

/** The destination, and the options. `bitrate`: upper limit for the pictures, bits per second. */
export interface BroadcastOptions {
  readonly url: string;
  readonly room: string;
  readonly token: string;
  readonly track: string;
  readonly takeover: boolean;
  readonly bitrate: number;
  readonly start: StartPipeline;
}

/** `refused`: by the room, with its stable code. `failed`: by this browser. */
export type BroadcastEnd =
  | { readonly is: "stopped" }
  | { readonly is: "refused"; readonly code: string; readonly status: number | undefined }
  | { readonly is: "failed"; readonly detail: string };

const CONTROL_EVERY_MS = 500;
/** After a reconnect, the waiting data has this much time to leave. */
const RETURN_MS = 3000;
const MAX_BUFFER_BYTES = 8 * 1024 * 1024;
/** Memory that the publisher counts for each frame in addition to its payload. */
const FRAME_COST_BYTES = 512;
/** The time for the room to receive everything. */
const END_MS = 3000;

/** Shares one source after the other into one track, in one epoch. Owns the sources that it is given. */
export class Broadcast {
  /** Resolves when sharing has ended. */
  readonly over: Promise<BroadcastEnd>;
  readonly #publisher: Publisher;
  readonly #control: RateControl;
  readonly #backlog = new Backlog();
  readonly #mix = new SoundMix();
  readonly #pipeline: Pipeline;
  readonly #timer: ReturnType<typeof setInterval>;
  #resolve: (end: BroadcastEnd) => void = () => {};
  #source: Source;
  #backlogSeconds = 0;
  /** Until this time, the backlog comes from a lost connection and does not show the connection's speed. */
  #awayUntil = 0;
  #isEnding = false;

  constructor(source: Source, { start, bitrate, ...options }: BroadcastOptions) {
    this.#source = source;
    this.over = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    this.#publisher = new Publisher({ ...options, onFull: "drop-group", maxBufferBytes: MAX_BUFFER_BYTES });
    this.#publisher.ready().catch(() => {});
    this.#publisher.closed.then((error) => this.#refused(error));
    this.#control = new RateControl(bitrate);
    this.#mix.hear(source.heard);
    this.#pipeline = start(source.picture, this.#mix.track, this.#control.rate, {
      // Frames after a refusal or the end are dropped.
      write: (frames) => void this.#publisher.write(frames).catch(() => {}),
      setFormat: (format) => this.#publisher.setFormat(format),
      fail: (detail) => this.#finish({ is: "failed", detail }),
    });
    this.#timer = setInterval(() => this.#adapt(), CONTROL_EVERY_MS);
    this.#follow(source);
  }

  get source(): Source {
    return this.#source;
  }

  get figures(): BroadcastFigures {
    const { connected, bytes, droppedFrames, acknowledged } = this.#publisher.stats;
    const hasBegun = acknowledged !== undefined;
    return {
      rate: this.#control.rate,
      backlogSeconds: this.#backlogSeconds,
      connected,
      hasBegun,
      bytes,
      droppedFrames,
    };
  }

  /** Switches to another source, in the same epoch. */
  switchTo(source: Source): void {
    const before = this.#source;
    this.#source = source;
    this.#mix.hear(source.heard);
    this.#pipeline.setPicture(source.picture);
    before.stop();
    this.#follow(source);
  }

  /** Upper limit for the pictures, bits per second. */
  setBitrate(bitrate: number): void {
    this.#pipeline.setRate(this.#control.setMax(bitrate));
  }

  /** Ends sharing, and tells viewers the end. */
  stop(): void {
    this.#finish({ is: "stopped" });
  }

  /** The user leaves the page: everything at hand is sent at once. */
  leave(): void {
    this.#publisher.end().catch(() => {});
  }

  #follow(source: Source): void {
    source.onEnd(() => {
      if (source === this.#source) this.stop();
    });
  }

  #adapt(): void {
    const { bytes, frames, bufferedBytes, connected } = this.#publisher.stats;
    const now = performance.now();
    if (!connected) this.#awayUntil = now + RETURN_MS;
    this.#backlogSeconds = this.#backlog.seconds(bytes + frames * FRAME_COST_BYTES, bufferedBytes, now);
    if (now >= this.#awayUntil) this.#pipeline.setRate(this.#control.update(this.#backlogSeconds, now));
  }

  #refused(error: RefusedError | undefined): void {
    if (error instanceof RefusedError) this.#finish({ is: "refused", code: error.code, status: error.status });
  }

  async #finish(end: BroadcastEnd): Promise<void> {
    if (this.#isEnding) return;
    this.#isEnding = true;
    clearInterval(this.#timer);
    await this.#pipeline.stop();
    this.#source.stop();
    this.#mix.close();
    const late = new Promise((resolve) => setTimeout(resolve, END_MS));
    await Promise.race([this.#publisher.end().catch(() => {}), late]);
    this.#publisher.close();
    this.#resolve(end);
  }
}
