// Passes fragmented MP4 and WebM to the browser's media source, or to a managed one (iPhones).
import { bodiesAt } from "../../protocol/splitters/fmp4-boxes.ts";
import { movieFormat } from "../../protocol/splitters/fmp4-codecs.ts";
import type { About, Engine, Feed } from "./feed.ts";
import { withRelativeOffsets } from "./fragment.ts";

/** Bytes that wait to be appended. A decoder that is further behind is stuck. */
const MAX_QUEUED_BYTES = 16 * 1024 * 1024;
/** Seconds to keep behind the playback position, and the seconds above which older data is removed. */
const KEEP_S = 10;
const CLEAN_ABOVE_S = 30;

type SourceClass = typeof MediaSource;

/** The browser's media source; undefined if it has none. */
function sourceClass(): SourceClass | undefined {
  const { MediaSource: plain, ManagedMediaSource: managed } = globalThis as {
    MediaSource?: SourceClass;
    ManagedMediaSource?: SourceClass;
  };
  return plain ?? managed;
}

/** Appends the bytes of `feed`. Throws if the browser has no media source, or none for this format. */
export function startMse(
  video: HTMLVideoElement,
  feed: Feed,
  { format, init }: About,
  fail: (detail: string) => void,
): Engine {
  const Source = sourceClass();
  if (Source === undefined) throw new Error("it has no Media Source Extensions");
  const type = mediaType(format, init);
  if (!Source.isTypeSupported(type)) throw new Error(`it cannot decode ${type}`);
  const source = new Source();
  const url = URL.createObjectURL(source);
  // A managed source requires this, unless there is another stream that can be played remotely.
  video.disableRemotePlayback = true;
  source.addEventListener("sourceopen", () => {
    if (feed.isClosed || source.readyState !== "open") return;
    const buffer = source.addSourceBuffer(type);
    const appender = new Appender(video, buffer, fail);
    feed.open((bytes) => appender.push(bytes));
  });
  video.src = url;
  return {
    destroy: () => {
      URL.revokeObjectURL(url);
      video.removeAttribute("src");
      video.load();
    },
  };
}

/** The format with its codecs: as the publisher declares it, or else from the movie's header. */
function mediaType(format: string | undefined, init: Uint8Array | undefined): string {
  if (format?.includes("codecs=")) return format;
  const moov = init && bodiesAt(init, "moov")[0];
  return (moov && movieFormat(moov)) ?? format ?? "video/mp4";
}

/** Appends data one piece at a time, in order, and removes old data. */
class Appender {
  readonly #video: HTMLVideoElement;
  readonly #buffer: SourceBuffer;
  readonly #fail: (detail: string) => void;
  readonly #queue: Uint8Array<ArrayBuffer>[] = [];
  #bytes = 0;

  constructor(video: HTMLVideoElement, buffer: SourceBuffer, fail: (detail: string) => void) {
    this.#video = video;
    this.#buffer = buffer;
    this.#fail = fail;
    buffer.addEventListener("updateend", () => {
      this.#enterBuffered();
      this.#next();
    });
    buffer.addEventListener("error", () => fail("it cannot decode the stream"));
  }

  push(bytes: Uint8Array): void {
    this.#queue.push(withRelativeOffsets(bytes));
    this.#bytes += bytes.byteLength;
    if (this.#bytes > MAX_QUEUED_BYTES) this.#fail("it decodes too slowly");
    else this.#next();
  }

  #next(): void {
    try {
      if (this.#buffer.updating || this.#clean(CLEAN_ABOVE_S)) return;
      const [bytes] = this.#queue;
      if (bytes === undefined) return;
      this.#buffer.appendBuffer(bytes);
      this.#queue.shift();
      this.#bytes -= bytes.byteLength;
    } catch (error) {
      const isFull = error instanceof DOMException && error.name === "QuotaExceededError";
      if (isFull && this.#clean(KEEP_S + 1)) return;
      queueMicrotask(() => this.#fail(isFull ? "its buffer is full" : "it cannot decode the stream"));
    }
  }

  /** Removes old data if it reaches further back than `above` seconds. Returns true if it does. */
  #clean(above: number): boolean {
    const { buffered } = this.#buffer;
    const { currentTime } = this.#video;
    if (buffered.length === 0 || currentTime - buffered.start(0) < above) return false;
    this.#buffer.remove(0, currentTime - KEEP_S);
    return true;
  }

  /** The stream's times begin anywhere, so playback jumps to the beginning of the data, and over missing parts. */
  #enterBuffered(): void {
    const { buffered } = this.#video;
    const { currentTime } = this.#video;
    for (let range = 0; range < buffered.length; range++)
      if (currentTime < buffered.end(range)) {
        if (currentTime < buffered.start(range)) this.#video.currentTime = buffered.start(range);
        return;
      }
  }
}
