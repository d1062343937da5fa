// The stage: shows the selected track as video, as a picture or as bytes, with the buttons of the video.
import type { SubscriberEvent } from "../client/index.ts";
import { one, setText } from "./dom.ts";
import { HEX_BYTES, hexView } from "./hex.ts";
import { noticeOf } from "./notice.ts";
import { Picture } from "./picture.ts";
import { VideoPlayer } from "./player.ts";
import type { Room, Track } from "./room-page.ts";

/** Owns everything that is drawn of a track. */
export class Stage {
  readonly #video: HTMLVideoElement;
  readonly #still: HTMLCanvasElement;
  readonly #image: HTMLImageElement;
  readonly #bytes: HTMLElement;
  readonly #hex: HTMLElement;
  readonly #bytesTitle: HTMLElement;
  readonly #notice: HTMLElement;
  readonly #controls: HTMLElement;
  readonly #pause: HTMLButtonElement;
  readonly #mute: HTMLButtonElement;
  readonly #player: VideoPlayer;
  readonly #picture: Picture;
  #track: Track | undefined;
  #kind: Track["kind"];

  constructor(root: HTMLElement) {
    this.#video = one(root, "#video", HTMLVideoElement);
    this.#still = one(root, "#still", HTMLCanvasElement);
    this.#image = one(root, "#picture", HTMLImageElement);
    this.#bytes = one(root, "#bytes", HTMLElement);
    this.#hex = one(root, "#hex", HTMLElement);
    this.#bytesTitle = one(root, "#bytes-title", HTMLElement);
    this.#notice = one(root, "#notice", HTMLElement);
    this.#controls = one(root, "#controls", HTMLElement);
    this.#pause = one(root, "#pause", HTMLButtonElement);
    this.#mute = one(root, "#unmute", HTMLButtonElement);
    this.#player = new VideoPlayer(this.#video, this.#still);
    this.#picture = new Picture(this.#image);
    this.#listen(one(root, "#fullscreen", HTMLButtonElement), one(root, "#screen", HTMLElement));
  }

  /** Seconds between the picture and the newest bytes; undefined where no video plays. */
  get latency(): number | undefined {
    return this.#kind === "mpegts" ? this.#player.latency : undefined;
  }

  /** Puts a track on the stage. */
  select(track: Track | undefined): void {
    if (track === this.#track) return;
    this.#track = track;
    this.#kind = track?.kind;
    this.#player.reset(track?.epoch);
  }

  /** An event of the track on the stage, after the room took it. */
  take(event: SubscriberEvent): void {
    const track = this.#track;
    if (track === undefined) return;
    if (event.type === "gap") this.#player.breakOff();
    if (event.type === "caught-up") this.#player.caughtUp();
    if (event.type !== "frame" || event.payload.byteLength === 0) return;
    if (this.#kind !== track.kind) this.#player.reset(undefined);
    this.#kind = track.kind;
    if (this.#kind === "mpegts") this.#player.take({ ...event, init: track.init });
    if (this.#kind === "jpeg") this.#picture.show(event.payload);
  }

  /** Draws what is not drawn as it comes; a few times a second. */
  render(room: Room): void {
    const { playback } = this.#player;
    const video = this.#kind === "mpegts" && playback.is !== "failed";
    this.#player.tick();
    this.#video.hidden = !video;
    this.#still.hidden = !video;
    this.#controls.hidden = !video;
    this.#image.hidden = this.#kind !== "jpeg";
    this.#renderBytes(this.#kind === "bytes" || playback.is === "failed");
    const notice = noticeOf(room, playback.is);
    setText(this.#notice, playback.is === "failed" && notice !== "" ? `${notice}: ${playback.detail}` : notice);
    this.#notice.hidden = notice === "";
    setText(this.#pause, playback.is === "paused" ? "Play" : "Pause");
    setText(this.#mute, this.#video.muted ? "Unmute" : "Mute");
  }

  #renderBytes(shown: boolean): void {
    const last = this.#track?.last;
    this.#bytes.hidden = !shown || last === undefined;
    if (!shown || last === undefined) return;
    const size = `${last.byteLength} ${last.byteLength === 1 ? "byte" : "bytes"}`;
    setText(this.#bytesTitle, `Last frame: ${last.byteLength > HEX_BYTES ? `the first ${HEX_BYTES} of ` : ""}${size}`);
    setText(this.#hex, hexView(last));
  }

  #listen(fullscreen: HTMLButtonElement, screen: HTMLElement): void {
    this.#pause.addEventListener("click", () => {
      if (this.#player.playback.is === "paused") this.#player.resume();
      else this.#player.pause();
    });
    this.#mute.addEventListener("click", () => {
      this.#video.muted = !this.#video.muted;
    });
    fullscreen.hidden = !document.fullscreenEnabled;
    fullscreen.addEventListener("click", () => {
      if (document.fullscreenElement === null) void screen.requestFullscreen();
      else void document.exitFullscreen();
    });
  }
}
