// Runs ffmpeg on bytes in memory.
import { spawnSync } from "node:child_process";
import ffmpegInstaller from "@ffmpeg-installer/ffmpeg";

const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

/** Test picture and test tone as ffmpeg's inputs 0 and 1. */
export const PICTURE = ["-f", "lavfi", "-i", "testsrc=size=320x180:rate=25"];
export const TONE = ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000"];

/** The output of ffmpeg with these arguments. Throws its complaints. */
export function encode(...args: string[]): Uint8Array {
  const { stdout, stderr } = run(ffmpegInstaller.path, ["-v", "error", ...args, "pipe:1"]);
  if (stdout.length === 0) throw new Error(`ffmpeg wrote nothing: ${stderr}`);
  return new Uint8Array(stdout);
}

/** Decodes the first video stream, or else the first audio stream: the number of frames, and ffmpeg's complaints. */
export function decode(bytes: Uint8Array, format: string, stream: "v" | "a" = "v"): { frames: number; errors: string } {
  const args = ["-v", "error", "-f", format, "-i", "pipe:0", "-map", `0:${stream}:0`, "-f", "framecrc", "pipe:1"];
  const { stdout, stderr } = run(ffmpegInstaller.path, args, bytes);
  const frames = stdout.toString().split("\n");
  return { frames: frames.filter((line) => /^\d/.test(line)).length, errors: stderr.toString() };
}

/** The number of packets of the first video stream that ffmpeg marks as key. */
export function countKeyPackets(bytes: Uint8Array, format: string): number {
  const dumped = [
    "-v",
    "info",
    "-dump",
    "-f",
    format,
    "-i",
    "pipe:0",
    "-map",
    "0:v:0",
    "-c",
    "copy",
    "-f",
    "null",
    "-",
  ];
  const { stderr } = run(ffmpegInstaller.path, dumped, bytes);
  // ffmpeg dumps the packets of all streams. The other streams are sound, whose packets are all keys.
  return [...stderr.toString().matchAll(/^stream #(\d+):\n {2}keyframe=1$/gm)].filter(
    ([, index]) => index === videoOf(stderr),
  ).length;
}

/** The index of the copied stream. */
function videoOf(stderr: Buffer): string | undefined {
  return /^ *Stream #0:(\d+) -> #0:0 \(copy\)$/m.exec(stderr.toString())?.[1];
}

function run(program: string, args: string[], input?: Uint8Array): { stdout: Buffer; stderr: Buffer } {
  // The static program crashes in the system's iconv modules as soon as a transport stream names its service.
  const env = { ...process.env, GCONV_PATH: "/nonexistent" };
  const done = spawnSync(program, args, { env, maxBuffer: MAX_OUTPUT_BYTES, timeout: 50_000, ...(input && { input }) });
  if (done.error !== undefined) throw done.error;
  if (done.status === null) throw new Error(`${program} died of ${done.signal}`);
  return done;
}
