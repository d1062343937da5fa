// Run with --expose-gc: fills 16 MiB of history and prints its actual memory. Arguments: payload bytes, frames a
// message, ms between.
import { readMessage } from "../../../protocol/frame.ts";
import { Track } from "../../../worker/core/track.ts";
import { DEFAULT_TUNING } from "../../../worker/core/tuning.ts";
import { message } from "../../worker/core/support/frames.ts";

const [bytes = 1, perMessage = 1, everyMs = 1] = process.argv.slice(2).map(Number);
const { gc: collect } = globalThis as { gc?: () => void };
if (collect === undefined) throw new Error("run with --expose-gc");

/** The memory in use, after garbage collection. */
function used(): number {
  for (let round = 0; round < 3; round++) collect?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** Appends until history is full and has turned over once, each message in its own buffer, as from a socket. */
function fill(): Track {
  const track = new Track("main", 0, "e0", DEFAULT_TUNING.blockBytes);
  track.begin("e0", 0);
  let appended = 0;
  for (let now = 0; appended < 2 * DEFAULT_TUNING.historyBytes; now += everyMs) {
    const before = track.history.bytes;
    const whole = message(track.next ?? 0, perMessage, { bytes });
    track.append(whole, readMessage(whole), now);
    appended += Math.max(0, track.history.bytes - before);
    while (track.history.bytes > DEFAULT_TUNING.historyBytes && track.history.dropOldest(track.next ?? 0)) {}
  }
  return track;
}

fill();
const before = used();
const track = fill();
const grown = used() - before;
console.log(JSON.stringify({ counted: track.bytes, grown, frames: (track.next ?? 0) - (track.history.first ?? 0) }));
