// Encodes pictures as H.264, in real time: a key picture a second, at the current bitrate.
import type { Unit } from "./mpegts-muxer.ts";
import { pictureSize, type Size } from "./picture-size.ts";
import type { Rate } from "./rate-control.ts";
import { StreamClock } from "./stream-clock.ts";
import { readTrack } from "./track-reader.ts";

const KEY_EVERY_US = 1_000_000;
const FRAMES_PER_SECOND = 30;
/** If an encoder has more pictures waiting, it is too slow, and pictures are skipped. */
const MAX_QUEUED = 2;
/** A still picture is encoded again after this time, so that newcomers find a key picture. */
const REPEAT_AFTER_US = 400_000;
const REPEAT_CHECK_MS = 200;
/** Smaller changes of the bitrate are ignored. */
const BITRATE_STEP = 0.05;

/** Gets each picture in Annex B. */
export type TakePicture = (unit: Unit, isKey: boolean) => void;

/** For one stream. Its pictures may come from several tracks in turn. */
export class PictureEncoder {
  readonly #codec: string;
  readonly #encoder: VideoEncoder;
  readonly #fail: (detail: string) => void;
  readonly #repeat: ReturnType<typeof setInterval>;
  #clock = new StreamClock();
  #stopReading: (() => void) | undefined;
  #rate: Rate;
  #configured: (Size & { readonly bitrate: number }) | undefined;
  /** Kept to be encoded again. */
  #last: VideoFrame | undefined;
  #lastAt = Number.NEGATIVE_INFINITY;
  #keyAt = Number.NEGATIVE_INFINITY;

  constructor(codec: string, rate: Rate, take: TakePicture, fail: (detail: string) => void) {
    this.#codec = codec;
    this.#rate = rate;
    this.#fail = fail;
    this.#encoder = new VideoEncoder({
      output: (chunk) => {
        const bytes = new Uint8Array(chunk.byteLength);
        chunk.copyTo(bytes);
        take({ bytes, microseconds: chunk.timestamp }, chunk.type === "key");
      },
      error: (error) => fail(`the pictures cannot be encoded: ${error.message}`),
    });
    this.#repeat = setInterval(() => this.#repeatLast(), REPEAT_CHECK_MS);
  }

  setTrack(track: MediaStreamTrack): void {
    this.#stopReading?.();
    this.#clock = new StreamClock();
    this.#stopReading = readTrack<VideoFrame>(track, (frame) => this.#take(frame));
  }

  setRate(rate: Rate): void {
    this.#rate = rate;
  }

  async close(): Promise<void> {
    clearInterval(this.#repeat);
    this.#stopReading?.();
    this.#last?.close();
    this.#last = undefined;
    if (this.#encoder.state === "configured") await this.#encoder.flush().catch(() => {});
    if (this.#encoder.state !== "closed") this.#encoder.close();
  }

  #take(frame: VideoFrame): void {
    this.#last?.close();
    this.#last = frame;
    this.#encode(frame, this.#clock.place(frame.timestamp, now()));
  }

  #repeatLast(): void {
    if (this.#last !== undefined && now() - this.#lastAt > REPEAT_AFTER_US) this.#encode(this.#last, now());
  }

  #encode(frame: VideoFrame, microseconds: number): void {
    const timestamp = Math.max(Math.round(microseconds), this.#lastAt + 1);
    if (this.#encoder.state === "closed" || this.#rate.isSkipping || this.#encoder.encodeQueueSize > MAX_QUEUED) return;
    const isNew = this.#configure(pictureSize(frame.displayWidth, frame.displayHeight, this.#rate.bitrate));
    const keyFrame = isNew || timestamp - this.#keyAt >= KEY_EVERY_US;
    if (keyFrame) this.#keyAt = timestamp;
    this.#lastAt = timestamp;
    const stamped = new VideoFrame(frame, { timestamp });
    try {
      this.#encoder.encode(stamped, { keyFrame });
    } catch (error) {
      this.#fail(`the pictures cannot be encoded: ${error instanceof Error ? error.message : String(error)}`);
    } finally {
      stamped.close();
    }
  }

  /** Returns true if the size of the pictures has changed. */
  #configure(size: Size): boolean {
    const before = this.#configured;
    const isSized = before?.width === size.width && before.height === size.height;
    const { bitrate } = this.#rate;
    if (isSized && Math.abs(bitrate - before.bitrate) < before.bitrate * BITRATE_STEP) return false;
    this.#configured = { ...size, bitrate };
    this.#encoder.configure(pictureConfig(this.#codec, size, bitrate));
    return !isSized;
  }
}

/** The encoder's configuration. */
export function pictureConfig(codec: string, size: Size, bitrate: number): VideoEncoderConfig {
  return {
    codec,
    ...size,
    bitrate,
    framerate: FRAMES_PER_SECOND,
    latencyMode: "realtime",
    avc: { format: "annexb" },
  };
}

function now(): number {
  return performance.now() * 1000;
}
