// Real media, live, from ffmpeg; and what ffmpeg and ffprobe say of bytes.
import ffmpegInstaller from "@ffmpeg-installer/ffmpeg";
import ffprobeInstaller from "@ffprobe-installer/ffprobe";
import { Process } from "./processes.ts";

const PICTURE = "-re -f lavfi -i testsrc2=size=640x360:rate=30";
const TONE = "-re -f lavfi -i sine=frequency=440:sample_rate=48000";
const VIDEO = "-c:v libx264 -profile:v main -preset ultrafast -tune zerolatency -pix_fmt yuv420p";
const RATE = "-b:v 1900k -maxrate 1900k -bufsize 1900k";
const AUDIO = "-c:a aac -b:a 96k";

/**
 * ffmpeg as a live source: H.264 and AAC in MPEG-TS, about 2 Mbit/s, 30 frames a second, a key frame every `gop` frames.
 * All of `outputs` get the same bytes: file names, `tcp://` URLs, `pipe:1`.
 */
export function liveMedia(options: { seconds: number; gop: number; outputs: readonly string[] }): Process {
  const { seconds, gop, outputs } = options;
  const args = `-hide_banner -loglevel error -y ${PICTURE} ${TONE} -map 0:v -map 1:a ${VIDEO} ${RATE} -g ${gop} ${AUDIO}`;
  const tee = outputs.map((output) => `[f=mpegts]${output}`).join("|");
  return Process.start(ffmpegInstaller.path, [...args.split(" "), "-t", `${seconds}`, "-f", "tee", tee]);
}

/** Decodes all of a file; answers what ffmpeg complains about: nothing, where every picture and sound is whole. */
export async function complaintsAbout(file: string): Promise<string> {
  await using ffmpeg = Process.start(ffmpegInstaller.path, ["-v", "error", "-i", file, "-f", "null", "-"]);
  await ffmpeg.succeeds();
  return ffmpeg.stderr;
}

/** What ffprobe finds: the types of the pictures, in the order of the file, and what it complains about. */
export async function probe(file: string): Promise<{ pictures: string[]; complaints: string }> {
  const args = "-v error -select_streams v -show_entries frame=pict_type -of default=nokey=1:noprint_wrappers=1";
  // The static ffprobe crashes in the system's iconv modules as soon as a transport stream names its service.
  const env = { GCONV_PATH: "/nonexistent" };
  await using ffprobe = Process.start(ffprobeInstaller.path, [...args.split(" "), file], { env });
  const stdout = await ffprobe.succeeds();
  return { pictures: stdout.split("\n").filter((line) => line !== ""), complaints: ffprobe.stderr };
}
