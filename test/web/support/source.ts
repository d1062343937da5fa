// A source that streams a clip into a scripted room in real time.
import { createSplitter } from "../../../protocol/splitters/index.ts";
import type { ScriptedRoom } from "./scripted-room.ts";

const TICK_MS = 33;

/** Streams `clip`, which lasts `seconds`, repeatedly: each repetition is an epoch. Returns a function that stops it. */
export function streamClip(room: ScriptedRoom, clip: Buffer, seconds: number): () => void {
  const bytesPerMs = clip.byteLength / (seconds * 1000);
  let splitter = createSplitter("mpegts");
  let started = performance.now();
  let sent = 0;
  const timer = setInterval(() => {
    const due = Math.min(clip.byteLength, Math.floor((performance.now() - started) * bytesPerMs));
    room.publish(splitter.push(clip.subarray(sent, due)));
    sent = due;
    if (sent < clip.byteLength) return;
    splitter = createSplitter("mpegts");
    started = performance.now();
    sent = 0;
    room.newEpoch();
  }, TICK_MS);
  return () => clearInterval(timer);
}
