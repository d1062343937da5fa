// Real live media from ffmpeg, and ffmpeg's analysis of bytes.
import ffmpegInstaller from "@ffmpeg-installer/ffmpeg";
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

/** Decodes the whole file. Returns ffmpeg's complaints: none if every picture and sound is whole. */
export async function complaintsAbout(file: string): Promise<string> {
  await using ffmpeg = Process.start(ffmpegInstaller.path, ["-v", "error", "-i", file, "-f", "null", "-"]);
  await ffmpeg.succeeds();
  return ffmpeg.stderr;
}

/** The types of the pictures (`I`, `P`, `B`), in display order. */
export async function pictureTypes(file: string): Promise<string[]> {
  const args = ["-nostats", "-i", file, "-map", "0:v:0", "-vf", "showinfo", "-f", "null", "-"];
  // The static program crashes in the system's iconv modules as soon as a transport stream names its service.
  await using ffmpeg = Process.start(ffmpegInstaller.path, args, { env: { GCONV_PATH: "/nonexistent" } });
  await ffmpeg.succeeds();
  return [...ffmpeg.stderr.matchAll(/ iskey:[01] type:(\w) /g)].map(([, type = ""]) => type);
}
