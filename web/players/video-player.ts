// Plays video and sound of one track in a <video>. An engine lives from one break of the stream to the next.
import { Flag } from "../../protocol/frame.ts";
import { element } from "../dom.ts";
import { type Engine, Feed, type StartEngine } from "./feed.ts";
import { LiveEdge } from "./live-edge.ts";
import { type Latency, latencyOf, type Playback, type PlayerFrame } from "./playback.ts";
import type { Player } from "./player.ts";

/**
 * After this number of consecutive engines that failed before they had played `HEALTHY_S`, the browser cannot show the
 * stream.
 */
const MAX_FAILURES = 3;
const HEALTHY_S = 3;
/** If an engine took this many bytes and shows nothing, it found no codec that it knows. */
const NOTHING_AFTER_BYTES = 4 * 1024 * 1024;
/** A picture that stands still for longer than this is not live. */
const STILL_MS = 2000;

type State =
  | Exclude<Playback, { is: "playing" }>
  | { readonly is: "playing"; readonly feed: Feed; readonly edge: LiveEdge; engine: Engine | undefined };

/** A <video> and the engines that use it in turn. The canvas shows the last picture in between. */
export class VideoPlayer implements Player {
  readonly element: HTMLElement;
  readonly sound: HTMLVideoElement;
  readonly popOut: (() => Promise<void>) | undefined;
  readonly #video: HTMLVideoElement;
  readonly #still = element("canvas", { id: "still", width: "0", height: "0", "aria-hidden": "true" });
  readonly #load: () => Promise<StartEngine>;
  #start: StartEngine | undefined;
  #state: State = { is: "waiting" };
  #epoch: string | undefined;
  #failures = 0;
  #newest = { timestamp: 0 };
  #movedAt = Number.NEGATIVE_INFINITY;
  #position = 0;

  /**
   * `load` provides the engine when there is data to play. `video` belongs to the player until `destroy`. `epoch`: the
   * epoch that the track is already in. The player begins at the next group there.
   */
  constructor(video: HTMLVideoElement, epoch: string | undefined, load: () => Promise<StartEngine>) {
    this.#video = video;
    this.#epoch = epoch;
    this.sound = video;
    this.#load = load;
    this.element = element("div", { class: "pictures" }, this.#still, video);
    this.popOut = canPopOut(video) ? () => popOut(video) : undefined;
    video.addEventListener("pause", this.#onPause);
    video.addEventListener("error", this.#onError);
  }

  get playback(): Playback {
    return this.#state.is === "playing" ? { is: "playing" } : this.#state;
  }

  isShowing(now: number): boolean {
    return this.#state.is === "playing" && now - this.#movedAt < STILL_MS;
  }

  /** The newest frame is at the end of the buffer. */
  latency(now: number): Latency | undefined {
    const behind = this.#state.is === "playing" ? this.#state.edge.behind : undefined;
    if (behind === undefined) return undefined;
    const age = latencyOf(this.#newest, now);
    return age === undefined ? { seconds: behind, by: "buffer" } : { ...age, seconds: age.seconds + behind };
  }

  /** A frame that does not continue the stream begins a new engine, at the start of a group. */
  take(frame: PlayerFrame): void {
    const newEpoch = frame.epoch !== this.#epoch;
    this.#epoch = frame.epoch;
    if (newEpoch) this.#failures = 0;
    if (newEpoch || (frame.flags & Flag.discontinuity) !== 0) this.breakOff();
    if (frame.payload.byteLength === 0) return;
    const starts = newEpoch || (frame.flags & Flag.key) !== 0;
    if (this.#state.is === "waiting" && starts) this.#begin(frame);
    if (this.#state.is !== "playing") return;
    this.#newest = frame;
    if (!this.#state.feed.push(frame.payload)) this.breakOff();
  }

  /** Playback continues at the next group. */
  breakOff(): void {
    if (this.#state.is === "playing" || this.#state.is === "failed") this.#leave({ is: "waiting" });
  }

  pause(): void {
    if (this.#state.is === "playing" || this.#state.is === "waiting") this.#leave({ is: "paused" });
  }

  resume(): void {
    if (this.#state.is === "paused") this.#state = { is: "waiting" };
  }

  caughtUp(): void {
    if (this.#state.is === "playing") this.#state.edge.caughtUp();
  }

  tick(now: number): void {
    const { buffered, played, currentTime, paused } = this.#video;
    if (currentTime !== this.#position && !paused) this.#movedAt = now;
    this.#position = currentTime;
    if (this.#state.is !== "playing") return;
    if (buffered.length === 0) {
      if (this.#state.feed.taken > NOTHING_AFTER_BYTES) this.#give("this browser decodes nothing in it");
      return;
    }
    this.#state.edge.tick();
    if (played.length > 0 && played.end(played.length - 1) - played.start(0) > HEALTHY_S) this.#failures = 0;
  }

  destroy(): void {
    this.#leave({ is: "waiting" });
    this.#video.removeEventListener("pause", this.#onPause);
    this.#video.removeEventListener("error", this.#onError);
    this.element.remove();
  }

  /** Leaving an engine also pauses the element, but at that time nothing plays, or the next engine already does. */
  readonly #onPause = () => {
    if (this.#state.is === "playing" && this.#video.paused && this.#video.readyState > 0) this.pause();
  };

  readonly #onError = () => {
    const { error } = this.#video;
    if (error?.code === MediaError.MEDIA_ERR_DECODE && this.#state.is === "playing")
      this.#fail(this.#state.feed, error.message);
  };

  #begin(frame: PlayerFrame): void {
    const feed = new Feed();
    this.#state = { is: "playing", feed, edge: new LiveEdge(this.#video), engine: undefined };
    if (frame.init !== undefined && (frame.flags & Flag.init) === 0) feed.push(frame.init);
    if (this.#start !== undefined) return this.#open(feed, frame, this.#start);
    const opened = this.#load().then((start) => this.#open(feed, frame, start));
    opened.catch(() => this.#fail(feed, "its player could not be loaded"));
  }

  #open(feed: Feed, frame: PlayerFrame, start: StartEngine): void {
    this.#start = start;
    if (this.#state.is !== "playing" || this.#state.feed !== feed || feed.isClosed) return;
    const init = (frame.flags & Flag.init) === 0 ? frame.init : frame.payload;
    try {
      this.#state.engine = start(this.#video, feed, { format: frame.format, init }, (detail) =>
        this.#fail(feed, detail),
      );
    } catch (error) {
      return this.#give(error instanceof Error ? error.message : String(error));
    }
    this.#video.play().catch((error: unknown) => {
      if (error instanceof DOMException && error.name === "NotAllowedError") this.pause();
    });
  }

  /** The engine of `feed` failed. Another one is tried at the next group, for a limited number of times. */
  #fail(feed: Feed, detail: string): void {
    if (this.#state.is !== "playing" || this.#state.feed !== feed) return;
    this.#failures += 1;
    if (this.#failures < MAX_FAILURES) this.#leave({ is: "waiting" });
    else this.#give(detail);
  }

  #give(detail: string): void {
    this.#leave({ is: "failed", detail });
  }

  #leave(next: State): void {
    const before = this.#state;
    this.#state = next;
    if (before.is !== "playing") return;
    this.#keepPicture();
    before.feed.close();
    before.engine?.destroy();
  }

  #keepPicture(): void {
    const { videoWidth, videoHeight, readyState } = this.#video;
    if (videoWidth === 0 || readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return;
    this.#still.width = videoWidth;
    this.#still.height = videoHeight;
    this.#still.getContext("2d")?.drawImage(this.#video, 0, 0);
  }
}

/** True if the browser can show this in a window of its own. */
export function canPopOut(video: HTMLVideoElement): boolean {
  return document.pictureInPictureEnabled === true && "requestPictureInPicture" in video;
}

/** Shows the video in a window of its own, or takes it back. */
export async function popOut(video: HTMLVideoElement): Promise<void> {
  const root = video.getRootNode() as Document | ShadowRoot;
  if (document.pictureInPictureElement === video || root.pictureInPictureElement === video)
    await document.exitPictureInPicture();
  else await video.requestPictureInPicture();
}
