// The interface that turns pictures and sound into frames of a track, whatever the browser provides.
import type { SplitFrame } from "../../protocol/splitter.ts";
import type { Rate } from "./rate-control.ts";

/** The destination of the frames. */
export interface Sink {
  write(frames: readonly SplitFrame[]): void;
  /** Sets the track's format from now on. */
  setFormat(format: string): void;
  /** The pipeline cannot continue; `detail` is the reason in words. */
  fail(detail: string): void;
}

/** Runs until it is stopped. The tracks belong to the caller. */
export interface Pipeline {
  /** Switches to another picture, in the same stream. */
  setPicture(track: MediaStreamTrack): void;
  setRate(rate: Rate): void;
  /** Resolves when everything that the encoders got was written. */
  stop(): Promise<void>;
}

/** Starts a pipeline with a picture and the sound. The sound's track never changes. */
export type StartPipeline = (picture: MediaStreamTrack, sound: MediaStreamTrack, rate: Rate, sink: Sink) => Pipeline;
