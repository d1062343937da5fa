// Shows frames that are pictures on a canvas: always the newest one. It skips pictures that arrive while it draws.
import { element } from "../dom.ts";
import { type Latency, latencyOf, type Playback, type PlayerFrame } from "./playback.ts";
import type { Player } from "./player.ts";
import { canPopOut, popOut } from "./video-player.ts";

/** After this number of consecutive frames that are not pictures, the browser cannot show the stream. */
const MAX_FAILURES = 10;
/** A camera that sends nothing for longer than this is not live. */
const STILL_MS = 5000;

/** Holds only the drawn picture and the newest one. */
export class PicturePlayer implements Player {
  readonly element: HTMLElement;
  readonly sound = undefined;
  readonly popOut: (() => Promise<void>) | undefined;
  readonly #canvas = element("canvas", {
    id: "picture",
    part: "picture",
    role: "img",
    "aria-label": "The newest picture of the track",
  });
  /** For picture in picture: it takes the canvas as a stream. */
  readonly #window = element("video", { hidden: "", playsinline: "" });
  #playback: Playback = { is: "waiting" };
  #isDrawing = false;
  #next: PlayerFrame | undefined;
  #failures = 0;
  #latency: Latency | undefined;
  #drawnAt = Number.NEGATIVE_INFINITY;

  constructor() {
    this.element = element("div", { class: "pictures" }, this.#canvas, this.#window);
    this.#canvas.width = this.#canvas.height = 0;
    this.popOut = canPopOut(this.#window) && "captureStream" in this.#canvas ? () => this.#popOut() : undefined;
  }

  get playback(): Playback {
    return this.#playback;
  }

  isShowing(now: number): boolean {
    return this.#playback.is === "playing" && now - this.#drawnAt < STILL_MS;
  }

  latency(): Latency | undefined {
    return this.#playback.is === "playing" ? this.#latency : undefined;
  }

  take(frame: PlayerFrame): void {
    if (this.#playback.is === "paused" || frame.payload.byteLength === 0) return;
    if (this.#isDrawing) this.#next = frame;
    else void this.#draw(frame);
  }

  breakOff(): void {}

  caughtUp(): void {}

  pause(): void {
    this.#playback = { is: "paused" };
    this.#next = undefined;
  }

  resume(): void {
    if (this.#playback.is === "paused") this.#playback = { is: "waiting" };
  }

  tick(): void {}

  destroy(): void {
    this.pause();
    for (const track of streamOf(this.#window)?.getTracks() ?? []) track.stop();
    this.element.remove();
  }

  async #draw(frame: PlayerFrame): Promise<void> {
    this.#isDrawing = true;
    try {
      const type = frame.format?.startsWith("image/") ? frame.format : "image/jpeg";
      const bitmap = await createImageBitmap(new Blob([frame.payload.slice()], { type }));
      this.#show(bitmap, frame);
      bitmap.close();
    } catch {
      this.#failures += 1;
      if (this.#failures >= MAX_FAILURES) this.#playback = { is: "failed", detail: "its pictures cannot be decoded" };
    }
    this.#isDrawing = false;
    const next = this.#next;
    this.#next = undefined;
    if (next !== undefined) void this.#draw(next);
  }

  #show(bitmap: ImageBitmap, frame: PlayerFrame): void {
    if (this.#playback.is === "paused") return;
    if (this.#canvas.width !== bitmap.width) this.#canvas.width = bitmap.width;
    if (this.#canvas.height !== bitmap.height) this.#canvas.height = bitmap.height;
    this.#canvas.getContext("2d")?.drawImage(bitmap, 0, 0);
    this.#failures = 0;
    this.#drawnAt = Date.now();
    this.#latency = latencyOf(frame, this.#drawnAt);
    this.#playback = { is: "playing" };
  }

  async #popOut(): Promise<void> {
    this.#window.muted = true;
    this.#window.srcObject ??= this.#canvas.captureStream();
    await this.#window.play();
    await popOut(this.#window);
  }
}

function streamOf(video: HTMLVideoElement): MediaStream | undefined {
  return video.srcObject instanceof MediaStream ? video.srcObject : undefined;
}
