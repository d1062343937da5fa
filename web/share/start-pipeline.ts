// Chooses the best pipeline that this browser supports.
import type { StartPipeline } from "./pipeline.ts";
import { recorderPipeline } from "./recorder-pipeline.ts";
import { transportPipeline } from "./transport-pipeline.ts";

let chosen: Promise<StartPipeline | undefined> | undefined;

/**
 * Encoders and a transport stream, which every player and ffmpeg reads; or else the browser's recorder; undefined if it
 * has neither.
 */
export function choosePipeline(): Promise<StartPipeline | undefined> {
  chosen ??= transportPipeline().then((pipeline) => pipeline ?? recorderPipeline());
  return chosen;
}
