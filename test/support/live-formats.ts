// Real media in each container that the bridge cuts, at the pace of life, small enough for several at a time.
import ffmpegInstaller from "@ffmpeg-installer/ffmpeg";
import { Process } from "./processes.ts";

/** By name: how ffmpeg encodes it, its muxer with options for `tee`, and what ffprobe calls the format. */
export const LIVE_FORMATS = {
  "mpegts with H.264": {
    framing: "mpegts",
    encoder: "-c:v libx264 -preset ultrafast -tune zerolatency -pix_fmt yuv420p -g 25",
    muxer: "f=mpegts",
  },
  "mpegts with MPEG-1": { framing: "mpegts", encoder: "-c:v mpeg1video -b:v 400k -bf 0 -g 25", muxer: "f=mpegts" },
  fmp4: {
    framing: "fmp4",
    encoder: "-c:v libx264 -preset ultrafast -tune zerolatency -pix_fmt yuv420p -g 25",
    muxer: "f=mp4:movflags=frag_keyframe+empty_moov+default_base_moof",
  },
  mjpeg: { framing: "mjpeg", encoder: "-c:v mjpeg -pix_fmt yuvj420p -q:v 8", muxer: "f=mjpeg" },
} as const;

export type LiveFormat = keyof typeof LIVE_FORMATS;

/** 25 pictures a second, a key frame every second; all `outputs` get the same bytes. */
export function liveFormat(name: LiveFormat, seconds: number, outputs: readonly string[]): Process {
  const { encoder, muxer } = LIVE_FORMATS[name];
  const source = "-hide_banner -loglevel error -y -re -f lavfi -i testsrc2=size=192x144:rate=25 -map 0:v";
  const tee = outputs.map((output) => `[${muxer}]${output}`).join("|");
  return Process.start(ffmpegInstaller.path, [
    ...[...source.split(" "), ...encoder.split(" ")],
    ...["-flags", "+global_header", "-t", `${seconds}`, "-f", "tee", tee],
  ]);
}
