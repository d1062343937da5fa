// What connects a room with mpegts.js: a queue on our side, and on its side a loader that hands the queue over.
import mpegts from "mpegts.js";

/** Bytes that wait for the player to open; a hidden tab may open it much later, or never. */
const MAX_WAITING_BYTES = 8 * 1024 * 1024;

type Consumer = (bytes: Uint8Array) => void;

/** One player's bytes, in order. Bytes that come before the player is ready wait, up to a bound. */
export class Feed {
  #state: { is: "waiting"; bytes: number; queue: Uint8Array[] } | { is: "open"; consume: Consumer } | { is: "closed" } =
    {
      is: "waiting",
      bytes: 0,
      queue: [],
    };

  /** How many bytes the player took. */
  taken = 0;

  /** False if the bytes cannot reach the player any more: it must be replaced. */
  push(bytes: Uint8Array): boolean {
    const state = this.#state;
    if (state.is === "open") this.#give(bytes, state.consume);
    if (state.is === "waiting") {
      state.bytes += bytes.byteLength;
      state.queue.push(bytes);
      if (state.bytes > MAX_WAITING_BYTES) this.close();
    }
    return this.#state.is !== "closed";
  }

  /** The player is ready. */
  open(consume: Consumer): void {
    if (this.#state.is !== "waiting") return;
    const { queue } = this.#state;
    this.#state = { is: "open", consume };
    for (const bytes of queue) this.#give(bytes, consume);
  }

  /** The player takes nothing any more; what waits is dropped. */
  close(): void {
    this.#state = { is: "closed" };
  }

  #give(bytes: Uint8Array, consume: Consumer): void {
    this.taken += bytes.byteLength;
    consume(bytes);
  }
}

/** The class that mpegts.js makes its loader of (`customLoader`): it reads `feed` instead of the network. */
export function loaderOf(feed: Feed): mpegts.CustomLoaderConstructor {
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
