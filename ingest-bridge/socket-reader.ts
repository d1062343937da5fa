// Reads a socket by pull: unread bytes stay in the kernel, which slows down the producer.
import type { Socket } from "node:net";

/** Nothing arrived within the time that was given to `next`. */
export const NOTHING_YET = Symbol("nothing yet");

/** Reads a socket until its end, its reset, or `signal`. */
export class Reader {
  readonly #socket: Socket;
  readonly #signal: AbortSignal;
  #wake: () => void = () => {};

  constructor(socket: Socket, signal: AbortSignal) {
    this.#socket = socket;
    this.#signal = signal;
    const wake = () => this.#wake();
    for (const event of ["readable", "end", "close"]) socket.on(event, wake);
    signal.addEventListener("abort", wake);
  }

  /** The next bytes; `undefined` when no more will come. Bytes that arrived before a reset are still delivered. */
  async next(): Promise<Uint8Array | undefined> {
    for (;;) {
      const chunk = await this.nextWithin(Number.POSITIVE_INFINITY);
      if (chunk !== NOTHING_YET) return chunk;
    }
  }

  /** The same, or `NOTHING_YET` after `ms` milliseconds. */
  async nextWithin(ms: number): Promise<Uint8Array | undefined | typeof NOTHING_YET> {
    const due = performance.now() + ms;
    while (!this.#signal.aborted) {
      const chunk: Buffer | null = this.#socket.read();
      // As a `Uint8Array` of its own class: its `subarray` is cheaper than that of a `Buffer`.
      if (chunk !== null) return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      if (this.#socket.readableEnded || this.#socket.destroyed) return undefined;
      const left = due - performance.now();
      if (left <= 0) return NOTHING_YET;
      await this.#woken(left);
    }
    return undefined;
  }

  #woken(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = Number.isFinite(ms) ? setTimeout(resolve, Math.ceil(ms)) : undefined;
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
