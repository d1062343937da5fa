// The memory of all producers together: what they have in their buffers, and in records that are not complete.

/** One producer's part. */
export interface Account {
  /** It has so many bytes written and not acknowledged. */
  buffered(bytes: number): void;
  /** It holds so many bytes of an incomplete frame; false: there is no place for more of them. */
  held(bytes: number): boolean;
  /** Resolves when it may be read: at once, unless there is no memory left. `signal` ends the waiting. */
  room(signal: AbortSignal): Promise<void>;
  /** It is over. */
  close(): void;
}

/**
 * Bytes that are shared. Buffers empty by themselves as rooms acknowledge, but an incomplete frame can only be completed
 * by reading on: such frames together may take half of the bytes, so that buffers always have the other half.
 */
export class Budget {
  readonly #limit: number;
  #buffered = 0;
  #held = 0;
  readonly #waiting = new Set<() => void>();
  #waking: NodeJS.Immediate | undefined;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Opens an account with nothing in it. */
  open(): Account {
    let buffered = 0;
    let held = 0;
    const change = (nextBuffered: number, nextHeld: number) => {
      this.#buffered += nextBuffered - buffered;
      this.#held += nextHeld - held;
      buffered = nextBuffered;
      held = nextHeld;
      this.#wake();
    };
    return {
      buffered: (bytes) => change(bytes, held),
      held: (bytes) => {
        const isMore = bytes > held;
        change(buffered, bytes);
        return !isMore || this.#held <= this.#limit / 2;
      },
      room: (signal) => this.#room(signal),
      close: () => change(0, 0),
    };
  }

  get bytes(): number {
    return this.#buffered + this.#held;
  }

  get #isFull(): boolean {
    return this.bytes >= this.#limit;
  }

  async #room(signal: AbortSignal): Promise<void> {
    while (this.#isFull && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const wake = () => {
          signal.removeEventListener("abort", wake);
          this.#waiting.delete(wake);
          resolve();
        };
        this.#waiting.add(wake);
        signal.addEventListener("abort", wake, { once: true });
      });
    }
  }

  /** One after the other: the next one when this one has had the time to take what it has to. */
  #wake(): void {
    if (this.#waking !== undefined || this.#waiting.size === 0 || this.#isFull) return;
    this.#waking = setImmediate(() => {
      this.#waking = undefined;
      const [first] = this.#waiting;
      if (!this.#isFull) first?.();
      this.#wake();
    });
  }
}
