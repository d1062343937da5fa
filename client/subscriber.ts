// The subscriber: what a room sends, as one async iterator, across connections.
import type { ServerMessage } from "../protocol/control.ts";
import { PING_EVERY_MS } from "../protocol/limits.ts";
import { Connection } from "./connection.ts";
import type { Token } from "./connection-options.ts";
import type { Environment } from "./environment.ts";
import type { SubscriberEvent } from "./events.ts";
import { Reader } from "./message-reader.ts";
import { EventQueue } from "./queue.ts";
import type { RefusedError } from "./refused-error.ts";

/**
 * `maxQueueBytes` (default 4 MiB): memory of what waits for the consumer, about 192 bytes an event besides its payload;
 * above it reading stops. `creditBytes` (`reliable`, default 1 MiB): at most under way.
 */
export interface SubscriberOptions {
  /** The http(s) base of the Worker. */
  readonly url: string;
  readonly room: string;
  readonly token: Token;
  /** Default: all. */
  readonly tracks?: readonly string[];
  /** Where to begin, as rule W5 has it; reconnects go on where they were. */
  readonly start?: string;
  readonly delivery?: "live" | "latest" | "reliable";
  readonly maxQueueBytes?: number;
  readonly creditBytes?: number;
  readonly environment: Environment;
}

/** Received frames and their payload bytes; `gaps`, and the frames `skipped` by those whose end is known. */
export interface SubscriberStats {
  readonly bytes: number;
  readonly frames: number;
  readonly gaps: number;
  readonly skipped: number;
  readonly reconnects: number;
  readonly connected: boolean;
}

type State =
  | { readonly at: "idle" }
  | { readonly at: "reading" }
  /** The queue is above its bound. */
  | { readonly at: "held" }
  | { readonly at: "closed" }
  | { readonly at: "refused"; readonly error: RefusedError };

const MAX_QUEUE_BYTES = 4 * 1024 * 1024;
const CREDIT_BYTES = 1024 * 1024;

/** Connects when iteration begins. For one consumer; leaving its loop closes the subscriber. */
export class Subscriber implements AsyncIterable<SubscriberEvent> {
  readonly #options: SubscriberOptions;
  readonly #connection: Connection;
  readonly #queue = new EventQueue();
  readonly #reader = new Reader();
  readonly #stats = { bytes: 0, frames: 0, gaps: 0, skipped: 0 };
  #state: State = { at: "idle" };
  /** `reliable`: bytes that the room may still send on this connection; below zero where it sent a whole frame. */
  #credit = 0;
  #connects = 0;

  /** Throws `TypeError` where `url` is no http(s) URL. */
  constructor(options: SubscriberOptions) {
    this.#options = options;
    this.#connection = new Connection(options, {
      connecting: () => this.#push([{ type: "connection", state: "connecting" }]),
      query: () => this.#query(),
      opened: () => this.#opened(),
      control: (message) => this.#control(message),
      binary: (message) => this.#binary(message),
      lost: () => {
        this.#push([{ type: "connection", state: "lost" }]);
        return undefined;
      },
      refused: (error) => this.#over({ at: "refused", error }),
    });
  }

  get stats(): SubscriberStats {
    const reconnects = Math.max(0, this.#connects - 1);
    return { ...this.#stats, reconnects, connected: this.#connection.isOpen };
  }

  /** Ends after `close`. Where it was refused for good, it throws `RefusedError` after what was received. */
  async *[Symbol.asyncIterator](): AsyncGenerator<SubscriberEvent, void, undefined> {
    if (this.#state.at === "idle") {
      this.#state = { at: "reading" };
      this.#connection.connect();
    }
    try {
      while (this.#state.at !== "closed") {
        const event = this.#queue.shift();
        if (event !== undefined) {
          this.#drained();
          yield event;
        } else if (this.#state.at === "refused") throw this.#state.error;
        else await this.#queue.wait();
      }
    } finally {
      this.close();
    }
  }

  /** Ends the connection and the iteration at once. */
  close(): void {
    this.#over({ at: "closed" });
  }

  #query(): Record<string, string> {
    const { tracks, delivery } = this.#options;
    const start = this.#reader.start ?? this.#options.start;
    return {
      role: "subscribe",
      ping: String(PING_EVERY_MS),
      ...(tracks && { tracks: tracks.join(",") }),
      ...(delivery && { delivery }),
      ...(start !== undefined && { start }),
    };
  }

  #opened(): void {
    this.#connects++;
    this.#reader.reset();
    this.#credit = 0;
    this.#giveCredit();
    this.#push([{ type: "connection", state: "open" }]);
  }

  #control(message: ServerMessage): void {
    if ("reconnectMs" in message) this.#connection.spreadOver(message.reconnectMs);
    this.#push(this.#reader.control(message));
  }

  #binary(message: Uint8Array): void {
    this.#credit -= message.byteLength;
    this.#push(this.#reader.binary(message));
    this.#giveCredit();
  }

  #push(events: readonly SubscriberEvent[]): void {
    for (const event of events) this.#count(event);
    this.#queue.push(events);
    if (this.#state.at !== "reading" || this.#queue.memory <= this.#maxQueueBytes) return;
    this.#state = { at: "held" };
    this.#connection.hold();
  }

  #count(event: SubscriberEvent): void {
    const stats = this.#stats;
    if (event.type === "frame") {
      stats.frames++;
      stats.bytes += event.payload.byteLength;
    } else if (event.type === "gap") {
      stats.gaps++;
      if (event.to !== null) stats.skipped += event.to - event.from + 1;
    }
  }

  /** The consumer took something. */
  #drained(): void {
    if (this.#state.at === "held" && this.#queue.memory <= this.#maxQueueBytes / 2) {
      this.#state = { at: "reading" };
      this.#connection.release();
    }
    this.#giveCredit();
  }

  get #maxQueueBytes(): number {
    return this.#options.maxQueueBytes ?? MAX_QUEUE_BYTES;
  }

  /** Keeps credit and queue together at `creditBytes`, in steps of a quarter. */
  #giveCredit(): void {
    if (this.#options.delivery !== "reliable" || !this.#connection.isOpen) return;
    const creditBytes = this.#options.creditBytes ?? CREDIT_BYTES;
    const bytes = creditBytes - this.#credit - this.#queue.bytes;
    if (bytes < creditBytes / 4) return;
    this.#credit += bytes;
    this.#connection.send(JSON.stringify({ type: "credit", bytes }));
  }

  #over(state: State): void {
    if (this.#state.at === "closed" || this.#state.at === "refused") return;
    this.#state = state;
    this.#connection.close();
    this.#queue.wake();
  }
}
