// The streams of producers in the ingest benchmark.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import ffmpeg from "@ffmpeg-installer/ffmpeg";

const PICTURE = "testsrc2=size=1280x720:rate=25:duration=20,noise=alls=20:allf=t";
const ENCODING =
  "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 50 -b:v 4M -minrate 4M -maxrate 4M -bufsize 4M -pat_period 0.1";

/**
 * Twenty seconds of 720p at 4 Mbit/s, like the stream of an encoder for viewers. PAT and PMT come ten times a second.
 */
export function usualClip(): Uint8Array {
  const args = ["-v", "error", "-f", "lavfi", "-i", PICTURE, ...ENCODING.split(" "), "-f", "mpegts", "pipe:1"];
  return execFileSync(ffmpeg.path, args, { maxBuffer: 64 * 1024 * 1024 });
}

/** The sample: 0.8 Mbit/s with PAT and PMT every 10 KB. */
export function sparseClip(): Uint8Array {
  return readFileSync(new URL("../../sample/clock.mpegts", import.meta.url));
}
