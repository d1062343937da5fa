// Measures how long the room takes to acknowledge: one sample at a time for each producer, from buffering bytes until
// they are free.

/** Works from the publisher's buffer size, which it gets at each change. Times are ms of a monotonic clock. */
export class AckClock {
  readonly #observe: (seconds: number) => void;
  #buffered = 0;
  #written = 0;
  #freed = 0;
  #sample: { readonly at: number; readonly upTo: number } | undefined;

  constructor(observe: (seconds: number) => void) {
    this.#observe = observe;
  }

  /** The buffer now has this many bytes. */
  buffered(bytes: number, now: number): void {
    const change = bytes - this.#buffered;
    this.#buffered = bytes;
    if (change > 0) {
      this.#written += change;
      this.#sample ??= { at: now, upTo: this.#written };
      return;
    }
    this.#freed -= change;
    if (this.#sample === undefined || this.#freed < this.#sample.upTo) return;
    this.#observe((now - this.#sample.at) / 1000);
    this.#sample = undefined;
  }
}
