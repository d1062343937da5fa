// Runs ffmpeg and ffprobe on bytes in memory.
import { spawnSync } from "node:child_process";
import ffmpegInstaller from "@ffmpeg-installer/ffmpeg";
import ffprobeInstaller from "@ffprobe-installer/ffprobe";

const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

/** Test picture and test tone as ffmpeg's inputs 0 and 1. */
export const PICTURE = ["-f", "lavfi", "-i", "testsrc=size=320x180:rate=25"];
export const TONE = ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000"];

/** What ffmpeg writes to its output with these arguments. Throws what it complains about. */
export function encode(...args: string[]): Uint8Array {
  const { stdout, stderr } = run(ffmpegInstaller.path, ["-v", "error", ...args, "pipe:1"]);
  if (stdout.length === 0) throw new Error(`ffmpeg wrote nothing: ${stderr}`);
  return new Uint8Array(stdout);
}

/** Decodes the first video, or else audio, stream: the number of frames, and all that ffmpeg complains about. */
export function decode(bytes: Uint8Array, format: string, stream: "v" | "a" = "v"): { frames: number; errors: string } {
  const args = ["-v", "error", "-f", format, "-i", "pipe:0", "-map", `0:${stream}:0`, "-f", "framecrc", "pipe:1"];
  const { stdout, stderr } = run(ffmpegInstaller.path, args, bytes);
  const frames = stdout.toString().split("\n");
  return { frames: frames.filter((line) => /^\d/.test(line)).length, errors: stderr.toString() };
}

/** The number of packets of the first video stream that ffprobe calls key packets. */
export function countKeyPackets(bytes: Uint8Array, format: string): number {
  const shown = ["-select_streams", "v:0", "-show_entries", "packet=flags", "-of", "csv=p=0"];
  const { stdout } = run(ffprobeInstaller.path, ["-v", "error", "-f", format, "-i", "pipe:0", ...shown], bytes);
  return stdout
    .toString()
    .split("\n")
    .filter((flags) => flags.startsWith("K")).length;
}

function run(program: string, args: string[], input?: Uint8Array): { stdout: Buffer; stderr: Buffer } {
  // The static ffprobe crashes in the system's iconv modules as soon as a transport stream names its service.
  const env = { ...process.env, GCONV_PATH: "/nonexistent" };
  const done = spawnSync(program, args, { env, maxBuffer: MAX_OUTPUT_BYTES, timeout: 20_000, ...(input && { input }) });
  if (done.error !== undefined) throw done.error;
  if (done.status === null) throw new Error(`${program} died of ${done.signal}`);
  return done;
}
