// Real media for the tests of the page, made with ffmpeg.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import ffmpegInstaller from "@ffmpeg-installer/ffmpeg";

const MAX_BYTES = 64 * 1024 * 1024;

/** Seconds of H.264 and AAC in an MPEG transport stream, a group a second. */
export function transportStream(seconds: number): Promise<Buffer> {
  const picture = ["-f", "lavfi", "-i", "testsrc2=size=640x360:rate=30"];
  const tone = ["-f", "lavfi", "-i", "sine=frequency=330"];
  const video = ["-c:v", "libx264", "-profile:v", "main", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "30"];
  const rest = ["-b:v", "1M", "-pix_fmt", "yuv420p", "-c:a", "aac", "-t", `${seconds}`, "-f", "mpegts", "pipe:1"];
  return ffmpeg([...picture, ...tone, ...video, ...rest]);
}

/** One JPEG. */
export function jpeg(): Promise<Buffer> {
  return ffmpeg(["-f", "lavfi", "-i", "testsrc=size=320x180", "-frames:v", "1", "-f", "mjpeg", "pipe:1"]);
}

async function ffmpeg(args: string[]): Promise<Buffer> {
  const all = ["-loglevel", "error", ...args];
  const { stdout } = await promisify(execFile)(ffmpegInstaller.path, all, { encoding: "buffer", maxBuffer: MAX_BYTES });
  return stdout;
}
