// MPEG transport streams by mpegts.js. This module is loaded only when there is such a stream.
import mpegts from "mpegts.js";
import type { Engine, Feed } from "./feed.ts";

// Its log would only repeat in the console the failure that the page shows.
mpegts.LoggingControl.enableAll = false;

/** A player of mpegts.js on `feed`. Throws if the browser has no media source. */
export function startMpegts(
  video: HTMLVideoElement,
  feed: Feed,
  _about: unknown,
  fail: (detail: string) => void,
): Engine {
  if (!mpegts.isSupported()) throw new Error("it has no Media Source Extensions");
  const player = mpegts.createPlayer(
    { type: "mpegts", isLive: true, url: "room" },
    {
      customLoader: loaderOf(feed),
      enableStashBuffer: false,
      lazyLoad: false,
      autoCleanupMaxBackwardDuration: 30,
      autoCleanupMinBackwardDuration: 10,
    },
  );
  player.on(mpegts.Events.ERROR, (_type: string, detail: string, info: { msg?: string } | undefined) => {
    queueMicrotask(() => fail(info?.msg ?? detail));
  });
  player.attachMediaElement(video);
  player.load();
  return player;
}

/** The class from which mpegts.js creates its loader (`customLoader`). It reads `feed` instead of the network. */
function loaderOf(feed: Feed): mpegts.CustomLoaderConstructor {
  return class RoomLoader extends mpegts.BaseLoader {
    #received = 0;

    constructor() {
      super("roomcast");
    }

    override open(): void {
      this._status = mpegts.LoaderStatus.kBuffering;
      feed.open((bytes) => {
        const start = this.#received;
        this.#received += bytes.byteLength;
        this.onDataArrival(bytes.slice().buffer, start, this.#received);
      });
    }

    override abort(): void {
      this._status = mpegts.LoaderStatus.kComplete;
      feed.close();
    }

    override destroy(): void {
      feed.close();
      super.destroy();
    }
  };
}
