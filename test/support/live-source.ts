// Producers that run until they are stopped: ffmpeg, or texts at a fixed rate, into the bridge over TCP.
import { type ChildProcess, spawn } from "node:child_process";
import net from "node:net";
import ffmpegInstaller from "@ffmpeg-installer/ffmpeg";
import { DEFAULT_TRACK } from "../../protocol/names.ts";
import { formatPreamble } from "../../protocol/preamble.ts";
import type { Introduction } from "./producer.ts";

const PICTURE = "-re -f lavfi -i testsrc2=size=320x180:rate=25";
const TONE = "-re -f lavfi -i sine=frequency=440:sample_rate=48000";
const H264 = "-c:v libx264 -preset ultrafast -tune zerolatency -pix_fmt yuv420p -g 25";

/** ffmpeg's streams: moving test pictures, some with a tone. */
export const MEDIA = {
  mpegts: `${PICTURE} ${TONE} ${H264} -c:a aac -f mpegts`,
  fmp4: `${PICTURE} ${TONE} ${H264} -c:a aac -movflags frag_keyframe+empty_moov -f mp4`,
  mjpeg: `${PICTURE} -c:v mjpeg -pix_fmt yuvj420p -q:v 8 -f mjpeg`,
} as const;

/** One producer. Disposing it cuts it off. */
export class LiveSource implements Disposable {
  readonly #socket: net.Socket;
  #ffmpeg: ChildProcess | undefined;
  #timer: NodeJS.Timeout | undefined;

  private constructor(port: number, introduction: Introduction) {
    this.#socket = net.connect({ host: "127.0.0.1", port, noDelay: true });
    this.#socket.on("error", () => this.stop());
    this.#socket.resume();
    this.#socket.write(formatPreamble({ track: DEFAULT_TRACK, framing: undefined, ...introduction }));
  }

  /** The output of ffmpeg with `args`, in real time. */
  static media(port: number, introduction: Introduction, args: string): LiveSource {
    const source = new LiveSource(port, introduction);
    const all = ["-hide_banner", "-loglevel", "error", ...args.split(" "), "pipe:1"];
    source.#ffmpeg = spawn(ffmpegInstaller.path, all, { stdio: ["ignore", "pipe", "inherit"] });
    source.#ffmpeg.stdout?.pipe(source.#socket);
    return source;
  }

  /** The output of `make`, every `ms` milliseconds. */
  static every(
    ms: number,
    port: number,
    introduction: Introduction,
    make: (index: number) => string | Uint8Array,
  ): LiveSource {
    const source = new LiveSource(port, introduction);
    let index = 0;
    const write = () => source.#socket.write(make(index++));
    source.#timer = setInterval(write, ms);
    write();
    return source;
  }

  /** Ends the stream in an orderly way. */
  end(): void {
    this.#stopMaking();
    this.#socket.end();
  }

  stop(): void {
    this.#stopMaking();
    this.#socket.destroy();
  }

  [Symbol.dispose](): void {
    this.stop();
  }

  #stopMaking(): void {
    clearInterval(this.#timer);
    this.#ffmpeg?.stdout?.unpipe();
    this.#ffmpeg?.kill("SIGKILL");
  }
}
