// Makes sample/clock.mpegts, the source of `npm start`: eighteen seconds of a test picture with a running clock.
import { execFileSync } from "node:child_process";
import ffmpeg from "@ffmpeg-installer/ffmpeg";

const SECONDS = 18;
const font = process.argv[2];
if (font === undefined) throw new Error("usage: node scripts/make-sample.ts FONT.ttf");

const clock = `drawtext=fontfile=${font}:text='%{pts\\:hms}':fontsize=64:fontcolor=white:box=1:boxcolor=black@0.6:boxborderw=16:x=(w-text_w)/2:y=h-120`;
const video = `testsrc2=size=640x360:rate=30:duration=${SECONDS},${clock},format=yuv420p`;
const audio = `aevalsrc='0.2*sin(2*PI*880*t)*lt(mod(t\\,1)\\,0.1)':s=48000:d=${SECONDS}`;
const encode =
  "-c:v libx264 -profile:v main -preset slow -b:v 700k -maxrate 900k -bufsize 900k -g 30 -bf 0 -c:a aac -b:a 64k";
execFileSync(ffmpeg.path, [
  ..."-hide_banner -loglevel error -y".split(" "),
  ...["-f", "lavfi", "-i", video, "-f", "lavfi", "-i", audio],
  ...encode.split(" "),
  ...["-f", "mpegts", new URL("../sample/clock.mpegts", import.meta.url).pathname],
]);
