// Plays the transport stream of one track. A player of mpegts.js lives from one break of the stream to the next.
import mpegts from "mpegts.js";
import { Flag } from "../protocol/frame.ts";
import { Feed, loaderOf } from "./mpegts-loader.ts";

/** Playback that is further than this behind the newest bytes jumps; mpegts.js plays faster for what is below. */
const MAX_LATENCY_S = 3;
/** Where a jump, and the start, lands: so far behind the newest bytes. */
const TARGET_LATENCY_S = 0.6;
const SPEED_UP_ABOVE_S = 1.5;
/** So many players in a row that failed before they played `HEALTHY_S`: the stream is not for this browser. */
const MAX_FAILURES = 3;
const HEALTHY_S = 3;
/** A player that took so many bytes and has nothing to show found no codec that it knows. */
const NOTHING_AFTER_BYTES = 4 * 1024 * 1024;

// Its words would only repeat on the console what the page says of a failure.
mpegts.LoggingControl.enableAll = false;

/** A frame of the track, with the init that applies to it. */
export interface VideoFrame {
  readonly epoch: string;
  readonly flags: number;
  readonly payload: Uint8Array;
  readonly init: Uint8Array | undefined;
}

/** `waiting`: for the start of a group. `failed`: this browser cannot play the stream. */
export type Playback =
  | { readonly is: "waiting" }
  | { readonly is: "playing"; readonly player: mpegts.Player; readonly feed: Feed; started: boolean }
  | { readonly is: "paused" }
  | { readonly is: "failed"; readonly detail: string };

/** One <video> and the players that come and go in it; the canvas holds the last picture in between. */
export class VideoPlayer {
  readonly #video: HTMLVideoElement;
  readonly #still: HTMLCanvasElement;
  #playback: Playback = { is: "waiting" };
  #epoch: string | undefined;
  #failures = 0;

  constructor(video: HTMLVideoElement, still: HTMLCanvasElement) {
    this.#video = video;
    this.#still = still;
    // Leaving a player pauses the element too, but then nothing plays, or the next player does already.
    video.addEventListener("pause", () => {
      if (this.#playback.is === "playing" && video.paused) this.pause();
    });
    video.addEventListener("error", () => {
      if (video.error?.code === MediaError.MEDIA_ERR_DECODE) this.#fail(video.error.message);
    });
  }

  get playback(): Playback {
    return this.#playback;
  }

  /** Seconds between what is seen and the newest bytes. */
  get latency(): number | undefined {
    const { buffered, currentTime } = this.#video;
    if (this.#playback.is !== "playing" || buffered.length === 0) return undefined;
    return Math.max(0, buffered.end(buffered.length - 1) - currentTime);
  }

  /** The next frame. One that does not continue the stream begins a new player, at the start of a group. */
  take(frame: VideoFrame): void {
    const newEpoch = frame.epoch !== this.#epoch;
    this.#epoch = frame.epoch;
    if (newEpoch) this.#failures = 0;
    if (newEpoch || (frame.flags & Flag.discontinuity) !== 0) this.breakOff();
    const starts = newEpoch || (frame.flags & Flag.key) !== 0;
    if (this.#playback.is === "waiting" && starts) this.#begin(frame);
    if (this.#playback.is === "playing" && !this.#playback.feed.push(frame.payload)) this.breakOff();
  }

  /** What comes next does not continue what came: playback goes on at the next group. */
  breakOff(): void {
    if (this.#playback.is === "playing") this.#leave({ is: "waiting" });
    if (this.#playback.is === "failed") this.#playback = { is: "waiting" };
  }

  /** Stops; what comes meanwhile is left out. */
  pause(): void {
    if (this.#playback.is === "playing" || this.#playback.is === "waiting") this.#leave({ is: "paused" });
  }

  /** Goes on, live. */
  resume(): void {
    if (this.#playback.is === "paused") this.#playback = { is: "waiting" };
  }

  /** Another track, which is somewhere in `epoch`: nothing of the one before stays. */
  reset(epoch: string | undefined): void {
    this.#leave({ is: "waiting" });
    this.#epoch = epoch;
    this.#failures = 0;
    this.#still.width = 0;
  }

  /** The past has arrived: playback may jump to the live edge. */
  caughtUp(): void {
    if (this.#playback.is === "playing") this.#playback.started = false;
  }

  /** Keeps playback near the live edge; to be called a few times a second. */
  tick(): void {
    const playback = this.#playback;
    const { buffered, played } = this.#video;
    if (playback.is !== "playing") return;
    if (buffered.length === 0) {
      const nothing = playback.feed.taken > NOTHING_AFTER_BYTES;
      if (nothing) this.#leave({ is: "failed", detail: "it has no H.264, H.265, AAC or MP3 in it" });
      return;
    }
    if ((this.latency ?? 0) > (playback.started ? MAX_LATENCY_S : SPEED_UP_ABOVE_S)) {
      const last = buffered.length - 1;
      this.#video.currentTime = Math.max(buffered.start(last), buffered.end(last) - TARGET_LATENCY_S);
    }
    playback.started = true;
    if (played.length > 0 && played.end(played.length - 1) - played.start(0) > HEALTHY_S) this.#failures = 0;
  }

  #begin(frame: VideoFrame): void {
    if (!mpegts.isSupported()) {
      this.#playback = { is: "failed", detail: "it has no Media Source Extensions" };
      return;
    }
    const feed = new Feed();
    const player = mpegts.createPlayer(
      { type: "mpegts", isLive: true, url: "room" },
      {
        customLoader: loaderOf(feed),
        enableStashBuffer: false,
        lazyLoad: false,
        liveSync: true,
        liveSyncMaxLatency: SPEED_UP_ABOVE_S,
        liveSyncTargetLatency: TARGET_LATENCY_S,
        autoCleanupMaxBackwardDuration: 30,
        autoCleanupMinBackwardDuration: 10,
      },
    );
    player.on(mpegts.Events.ERROR, (_type: string, detail: string, info: { msg?: string } | undefined) => {
      queueMicrotask(() => this.#fail(info?.msg ?? detail, player));
    });
    this.#video.playbackRate = 1;
    player.attachMediaElement(this.#video);
    player.load();
    this.#playback = { is: "playing", player, feed, started: false };
    if (frame.init !== undefined && (frame.flags & Flag.init) === 0) feed.push(frame.init);
    this.#video.play().catch((error: unknown) => {
      if (error instanceof DOMException && error.name === "NotAllowedError") this.pause();
    });
  }

  #fail(detail: string, player?: mpegts.Player): void {
    if (this.#playback.is !== "playing" || (player !== undefined && player !== this.#playback.player)) return;
    this.#failures += 1;
    this.#leave(this.#failures < MAX_FAILURES ? { is: "waiting" } : { is: "failed", detail });
  }

  #leave(next: Playback): void {
    const before = this.#playback;
    this.#playback = next;
    if (before.is !== "playing") return;
    this.#keepPicture();
    before.feed.close();
    before.player.destroy();
  }

  #keepPicture(): void {
    const { videoWidth, videoHeight, readyState } = this.#video;
    if (videoWidth === 0 || readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return;
    this.#still.width = videoWidth;
    this.#still.height = videoHeight;
    this.#still.getContext("2d")?.drawImage(this.#video, 0, 0);
  }
}
