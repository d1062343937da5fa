// The bytes of one run of a stream, on their way from the room to a media engine that may not be ready yet.

/** Bytes that wait for the engine to open. A hidden tab may open it much later, or never. */
const MAX_WAITING_BYTES = 8 * 1024 * 1024;

type Consumer = (bytes: Uint8Array) => void;

/** Bytes in order. They wait until the engine is ready, up to a limit. */
export class Feed {
  #state: { is: "waiting"; bytes: number; queue: Uint8Array[] } | { is: "open"; consume: Consumer } | { is: "closed" } =
    { is: "waiting", bytes: 0, queue: [] };

  /** The number of bytes that the engine took. */
  taken = 0;

  get isClosed(): boolean {
    return this.#state.is === "closed";
  }

  /** Returns false if the bytes can no longer reach the engine: it must be replaced. */
  push(bytes: Uint8Array): boolean {
    const state = this.#state;
    if (state.is === "open") this.#give(bytes, state.consume);
    if (state.is === "waiting") {
      state.bytes += bytes.byteLength;
      state.queue.push(bytes);
      if (state.bytes > MAX_WAITING_BYTES) this.close();
    }
    return !this.isClosed;
  }

  /** The engine is ready. */
  open(consume: Consumer): void {
    if (this.#state.is !== "waiting") return;
    const { queue } = this.#state;
    this.#state = { is: "open", consume };
    for (const bytes of queue) this.#give(bytes, consume);
  }

  /** The engine takes no more bytes; waiting bytes are dropped. */
  close(): void {
    this.#state = { is: "closed" };
  }

  #give(bytes: Uint8Array, consume: Consumer): void {
    this.taken += bytes.byteLength;
    consume(bytes);
  }
}

/** Decodes a feed into a <video>, from one break of the stream to the next. */
export interface Engine {
  destroy(): void;
}

/** The known format of the stream, and the init that applies. */
export interface About {
  readonly format: string | undefined;
  readonly init: Uint8Array | undefined;
}

/** Starts an engine. `fail` may be called later, with the reason in words. Throws if the browser has no such engine. */
export type StartEngine = (video: HTMLVideoElement, feed: Feed, about: About, fail: (detail: string) => void) => Engine;
