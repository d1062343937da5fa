// The status that the page shows while sharing, in words. Pure.
import type { Rate } from "./rate-control.ts";

/** The current figures of sharing. */
export interface BroadcastFigures {
  readonly rate: Rate;
  /** Seconds of the stream that wait for the room. */
  readonly backlogSeconds: number;
  readonly connected: boolean;
  /** True if the room has ever accepted the stream. */
  readonly hasBegun: boolean;
  readonly bytes: number;
  readonly droppedFrames: number;
}

/**
 * `slow`: the connection allows less than the wanted bitrate. `away`: the room cannot be reached, and the stream waits.
 */
export interface ShareStatus {
  readonly is: "idle" | "connecting" | "live" | "slow" | "skipping" | "away";
  readonly text: string;
  readonly rate: string;
}

const TENTHS = new Intl.NumberFormat("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
/** Below this part of the wanted bitrate, the page says so. */
const SLOW_BELOW = 0.9;

/** `wanted`: bits per second. */
export function shareStatus(figures: BroadcastFigures | undefined, wanted: number): ShareStatus {
  if (figures === undefined) return { is: "idle", text: "", rate: "" };
  const { rate, connected, bytes, hasBegun } = figures;
  if (!connected && !hasBegun) return { is: "connecting", text: "Connecting to the room", rate: "" };
  const pace = `up to ${TENTHS.format(rate.bitrate / 1e6)} Mbit/s, ${TENTHS.format(bytes / 1e6)} MB sent`;
  if (!connected) return { is: "away", text: "The room cannot be reached. Your stream waits.", rate: pace };
  if (rate.isSkipping)
    return { is: "skipping", text: "The connection is too slow, so some pictures are skipped", rate: pace };
  if (rate.bitrate < wanted * SLOW_BELOW)
    return { is: "slow", text: "The connection is slow, so the quality is lower", rate: pace };
  return { is: "live", text: "You are sharing", rate: pace };
}
