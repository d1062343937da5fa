// For browsers without encoders: the browser's recorder. Its MP4 or WebM is cut into frames as a bridge would cut it.
import { Flag } from "../../protocol/frame.ts";
import type { SplitFrame, Splitter } from "../../protocol/splitter.ts";
import { fmp4Splitter } from "../../protocol/splitters/fmp4.ts";
import { webmSplitter } from "../../protocol/splitters/webm.ts";
import type { Pipeline, Sink, StartPipeline } from "./pipeline.ts";
import type { Rate } from "./rate-control.ts";

/** The type that every MP4 player supports comes first. */
const TYPES = [
  "video/mp4;codecs=avc1.42e01f,mp4a.40.2",
  "video/webm;codecs=vp8,opus",
  "video/webm;codecs=vp9,opus",
  "video/webm",
];
/** The interval at which the recorder returns its data. */
const SLICE_MS = 100;
const SOUND_BITRATE = 96_000;
const KEY_EVERY_MS = 1000;
/** A recorder has one bitrate. A new recorder starts if the wanted bitrate differs by this much, but not too often. */
const BITRATE_STEP = 0.3;
const RESTART_EVERY_MS = 5000;

/** Undefined if this browser has no recorder for any of the types. */
export function recorderPipeline(): StartPipeline | undefined {
  if (typeof MediaRecorder === "undefined") return undefined;
  const type = TYPES.find((one) => MediaRecorder.isTypeSupported(one));
  return type === undefined ? undefined : (...given) => new Recorders(type, ...given);
}

interface Running {
  readonly recorder: MediaRecorder;
  readonly bitrate: number;
  readonly since: number;
}

/** Uses one recorder after the other. Each begins with its own init, in the same stream. */
class Recorders implements Pipeline {
  readonly #type: string;
  readonly #sound: MediaStreamTrack;
  readonly #sink: Sink;
  #picture: MediaStreamTrack;
  #rate: Rate;
  #running: Running;
  /** The recorders' data is written in order, although the blobs are read asynchronously. */
  #written: Promise<void> = Promise.resolve();
  #isFirst = true;

  constructor(type: string, picture: MediaStreamTrack, sound: MediaStreamTrack, rate: Rate, sink: Sink) {
    this.#type = type;
    this.#sound = sound;
    this.#sink = sink;
    this.#picture = picture;
    this.#rate = rate;
    this.#running = this.#begin();
  }

  setPicture(track: MediaStreamTrack): void {
    this.#picture = track;
    this.#restart();
  }

  setRate(rate: Rate): void {
    this.#rate = rate;
    const { recorder, bitrate, since } = this.#running;
    if (rate.isSkipping && recorder.state === "recording") recorder.pause();
    if (!rate.isSkipping && recorder.state === "paused") recorder.resume();
    const isOff = Math.abs(rate.bitrate - bitrate) > bitrate * BITRATE_STEP;
    if (isOff && performance.now() - since > RESTART_EVERY_MS) this.#restart();
  }

  async stop(): Promise<void> {
    await finish(this.#running.recorder);
    await this.#written;
  }

  #restart(): void {
    void finish(this.#running.recorder);
    this.#running = this.#begin();
  }

  #begin(): Running {
    const { bitrate } = this.#rate;
    const options = { videoBitsPerSecond: bitrate, audioBitsPerSecond: SOUND_BITRATE, mimeType: this.#type };
    const recorder = new MediaRecorder(new MediaStream([this.#picture, this.#sound]), {
      ...options,
      videoKeyFrameIntervalDuration: KEY_EVERY_MS,
    } as MediaRecorderOptions);
    const splitter = this.#type.startsWith("video/mp4") ? fmp4Splitter() : webmSplitter();
    const isFirst = this.#isFirst;
    this.#isFirst = false;
    recorder.addEventListener("dataavailable", ({ data }) => {
      this.#written = this.#written.then(() => this.#write(splitter, data, isFirst));
    });
    recorder.addEventListener("error", () => this.#sink.fail("the browser's recorder stopped"));
    recorder.start(SLICE_MS);
    return { recorder, bitrate, since: performance.now() };
  }

  async #write(splitter: Splitter, data: Blob, isFirst: boolean): Promise<void> {
    try {
      const frames = splitter.push(new Uint8Array(await data.arrayBuffer()));
      if (frames.some(({ flags }) => (flags & Flag.init) !== 0) && splitter.format !== undefined)
        this.#sink.setFormat(splitter.format);
      if (frames.length > 0) this.#sink.write(isFirst ? frames : frames.map(breakingOff));
    } catch (error) {
      this.#sink.fail(`the data of the browser's recorder cannot be split: ${String(error)}`);
    }
  }
}

/** The init of a later recorder does not continue the stream. */
function breakingOff(frame: SplitFrame): SplitFrame {
  return (frame.flags & Flag.init) === 0 ? frame : { ...frame, flags: frame.flags | Flag.discontinuity };
}

/** Resolves when the recorder has returned all of its data. */
function finish(recorder: MediaRecorder): Promise<void> {
  if (recorder.state === "inactive") return Promise.resolve();
  return new Promise((resolve) => {
    recorder.addEventListener("stop", () => resolve(), { once: true });
    recorder.stop();
  });
}
