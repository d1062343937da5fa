// The subscriber: the data of a room as one async iterator, across connections.
import platformEnvironment from "#environment";
import type { ServerMessage } from "../protocol/control.ts";
import { PING_EVERY_MS } from "../protocol/limits.ts";
import type { Address, Json } from "../protocol/messages.ts";
import { Connection } from "./connection.ts";
import type { Token } from "./connection-options.ts";
import type { Environment } from "./environment.ts";
import type { GapEvent, SubscriberEvent } from "./events.ts";
import { Reader } from "./message-reader.ts";
import { EventQueue } from "./queue.ts";
import { RefusedError } from "./refused-error.ts";
import type { Rewind } from "./rewind.ts";

/** Options of a subscriber. */
export interface SubscriberOptions {
  /** The http(s) base of the Worker: `https://rooms.example.com`. */
  readonly url: string;
  /** The room's id. */
  readonly room: string;
  /** Needs the right `subscribe`. */
  readonly token: Token;
  /** The names of the tracks to receive. Default: all. */
  readonly tracks?: readonly string[];
  /**
   * Where to begin: `group` (default) at the newest group, `live` at the next group, `-SECONDS` at the group that was
   * current at that time, `EPOCH.SEQUENCE` or `track:EPOCH.SEQUENCE,...` at that frame. After a reconnect, the
   * subscriber resumes at its position. If the room no longer has the frames, they come from its recording, if there is
   * one, without a gap in between.
   */
  readonly start?: string;
  /**
   * The behaviour if this subscriber is too slow. `live` (default, unless the room has another): it skips to a newer
   * group. `latest`: the room keeps only the newest group for it. `reliable`: it skips nothing, and the publisher
   * waits; needs the right of that name.
   */
  readonly delivery?: "live" | "latest" | "reliable";
  /**
   * Bytes of memory for events that wait for the loop: payloads, and about 192 bytes an event. Default 4 MiB. Above it,
   * the subscriber stops reading from the network.
   */
  readonly maxQueueBytes?: number;
  /** With `reliable`: bytes that may be on their way or wait for the loop. Default 1 MiB. */
  readonly creditBytes?: number;
  /** The subscriber's label in the presence of the room, if the room has presence: at most 64 characters. */
  readonly label?: string;
  /** Where the client runs. Default: `platformEnvironment`. */
  readonly environment?: Environment;
}

/** Figures of a subscriber since its creation. */
export interface SubscriberStats {
  /** Bytes of received payloads, without init copies. */
  readonly bytes: number;
  readonly frames: number;
  /** `gap` events. */
  readonly gaps: number;
  /** Missing frames, from the gaps with a known end. */
  readonly skipped: number;
  /** Connections after the first one. */
  readonly reconnects: number;
  /** True if the connection is open now. */
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

/**
 * Receives a room, or some of its tracks, across lost connections. It connects when iteration begins. One loop reads
 * it: `for await (const event of subscriber)`. Leaving the loop closes the subscriber.
 */
export class Subscriber implements AsyncIterable<SubscriberEvent> {
  readonly #options: SubscriberOptions;
  readonly #connection: Connection;
  readonly #queue = new EventQueue();
  readonly #reader = new Reader();
  readonly #stats = { bytes: 0, frames: 0, gaps: 0, skipped: 0 };
  #state: State = { at: "idle" };
  /**
   * `reliable`: bytes that the room may still send on this connection. Below zero if the room sent a whole frame beyond
   * it.
   */
  #credit = 0;
  #connects = 0;
  #messages = 0;
  #connectionId: string | undefined;
  /** Set for a start in the past: the recording, if there is one, provides the frames that the room no longer has. */
  #rewind: Rewind | undefined;

  /** Throws `TypeError` if `url` is not an http(s) URL. */
  constructor(options: SubscriberOptions) {
    this.#options = options;
    const { environment = platformEnvironment } = options;
    this.#connection = new Connection(
      { ...options, environment },
      {
        connecting: () => this.#push([{ type: "connection", state: "connecting" }]),
        query: () => this.#query(),
        opened: () => this.#opened(),
        control: (message) => this.#control(message),
        binary: (message) => this.#binary(message),
        lost: (reason) => {
          this.#push([{ type: "connection", state: "lost", reason }]);
          return undefined;
        },
        refused: (error) => this.#over({ at: "refused", error }),
      },
    );
  }

  /** The current figures. */
  get stats(): SubscriberStats {
    const reconnects = Math.max(0, this.#connects - 1);
    return { ...this.#stats, reconnects, connected: this.#connection.isOpen };
  }

  /** The id of the newest connection, as others see it; undefined before the first one. */
  get connectionId(): string | undefined {
    return this.#connectionId;
  }

  /**
   * Sends a message to members of the room; needs the right `message`. Returns an id. A `delivery` event with this id
   * has the result. Returns undefined, and sends nothing, if there is no connection.
   */
  send(body: Json, to: Address = "all"): number | undefined {
    if (!this.#connection.isOpen) return undefined;
    const id = ++this.#messages;
    this.#connection.send(JSON.stringify({ type: "message", id, to, body }));
    return id;
  }

  /** Yields events until `close`. If the room refuses permanently, throws `RefusedError` after the last event. */
  async *[Symbol.asyncIterator](): AsyncGenerator<SubscriberEvent, void, undefined> {
    if (this.#state.at === "idle") {
      this.#state = { at: "reading" };
      this.#rewind = await this.#past();
      if (this.#rewind !== undefined) yield* this.#replayed(this.#rewind.events());
      if (this.#state.at === "reading") this.#connection.connect();
    }
    try {
      while (this.#state.at !== "closed") {
        const event = this.#queue.shift();
        if (event !== undefined) {
          this.#drained();
          if (this.#rewind !== undefined && isPast(event)) yield* this.#replayed(this.#rewind.fill(event));
          else yield event;
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

  async *#replayed(events: AsyncIterable<SubscriberEvent>): AsyncGenerator<SubscriberEvent, void, undefined> {
    try {
      for await (const event of events) {
        if (this.#state.at === "closed") return;
        this.#count(event);
        yield event;
      }
    } catch (error) {
      // The token could not be fetched. The connection also asks for one, and handles the failure.
      if (error instanceof RefusedError) this.#over({ at: "refused", error });
    }
  }

  /** The code that reads recordings is loaded only if a start may need it: most subscribers do not. */
  async #past(): Promise<Rewind | undefined> {
    const { environment = platformEnvironment, tracks, start } = this.#options;
    if (start === undefined || !/^-|\./.test(start)) return undefined;
    const { Rewind } = await import("./rewind.ts");
    return Rewind.of({ ...this.#options, environment }, tracks, start);
  }

  #query(): Record<string, string> {
    const { tracks, delivery, label } = this.#options;
    const start = this.#reader.start ?? this.#rewind?.position ?? this.#options.start;
    return {
      role: "subscribe",
      ping: String(PING_EVERY_MS),
      ...(tracks && { tracks: tracks.join(",") }),
      ...(delivery && { delivery }),
      ...(start !== undefined && { start }),
      ...(label && { label }),
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
    if (message.type === "welcome") this.#connectionId = message.connection;
    if ("reconnectMs" in message) this.#connection.spreadOver(message.reconnectMs);
    this.#push(this.#reader.control(message));
  }

  #binary(message: Uint8Array): void {
    this.#credit -= message.byteLength;
    this.#push(this.#reader.binary(message));
    this.#giveCredit();
  }

  #push(events: readonly SubscriberEvent[]): void {
    for (const event of events) if (this.#rewind === undefined || !isPast(event)) this.#count(event);
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

  /** The consumer took an event. */
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

  /** Keeps the sum of credit and queue at `creditBytes`, in steps of a quarter. */
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

/** Returns true for a gap of frames that the room no longer has: a recording may have them. */
function isPast(event: SubscriberEvent): event is GapEvent {
  return event.type === "gap" && event.reason === "history";
}
