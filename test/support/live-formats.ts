// Real media in each container that the bridge cuts, in real time, small enough to run several at once.
import ffmpegInstaller from "@ffmpeg-installer/ffmpeg";
import { Process } from "./processes.ts";

/** By name: the encoder options, the muxer with options for `tee`, and ffmpeg's name of the format. */
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

const PICTURE = "-hide_banner -loglevel error -y -re -f lavfi -i testsrc2=size=192x144:rate=25";
const TONE = "-re -f lavfi -i sine=frequency=440:sample_rate=48000";

/** 25 pictures a second, a key frame every second; `sound`: with AAC. All `outputs` get the same bytes. */
export function liveFormat(
  name: LiveFormat,
  seconds: number,
  outputs: readonly string[],
  { sound = false } = {},
): Process {
  const { encoder, muxer } = LIVE_FORMATS[name];
  const source = sound ? `${PICTURE} ${TONE} -map 0:v -map 1:a -c:a aac -b:a 96k` : `${PICTURE} -map 0:v`;
  const tee = outputs.map((output) => `[${muxer}]${output}`).join("|");
  return Process.start(ffmpegInstaller.path, [
    ...[...source.split(" "), ...encoder.split(" ")],
    ...["-flags", "+global_header", "-t", `${seconds}`, "-f", "tee", tee],
  ]);
}
