// The memory of all producers together: their buffers, and their incomplete records.

/** One producer's part. */
export interface Account {
  /** Sets the number of written, unacknowledged bytes. */
  buffered(bytes: number): void;
  /** Sets the number of bytes of an incomplete frame. Returns false if there is no space for more of them. */
  held(bytes: number): boolean;
  /** Resolves when the producer may be read: at once, unless there is no memory left. `signal` ends the waiting. */
  room(signal: AbortSignal): Promise<void>;
  /** Closes the account. */
  close(): void;
}

/**
 * Shared bytes. Buffers empty by themselves as rooms acknowledge. But an incomplete frame can only be completed by
 * reading on, so such frames together may take half of the bytes. The other half is always for buffers.
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

  /** Opens an empty account. */
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

  /** Wakes one waiter after the other: the next one when the first has had time to take its bytes. */
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
