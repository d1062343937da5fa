// The publisher: writes frames into a track, across connections, exactly once.
import platformEnvironment from "#environment";
import type { ServerMessage } from "../protocol/control.ts";
import { Flag } from "../protocol/frame.ts";
import { MAX_INIT_BYTES, MAX_PAYLOAD_BYTES } from "../protocol/limits.ts";
import { DEFAULT_TRACK, isFormat } from "../protocol/names.ts";
import { formatPosition } from "../protocol/position.ts";
import type { SplitFrame } from "../protocol/splitter.ts";
import { Connection } from "./connection.ts";
import { type Deferred, deferred, rejected } from "./deferred.ts";
import type { Environment } from "./environment.ts";
import { Outbox } from "./outbox.ts";
import type { PublisherOptions, PublisherStats } from "./publisher-options.ts";
import { RefusedError } from "./refused-error.ts";
import { Sender } from "./sender.ts";
import { Timer } from "./timer.ts";

type State =
  | { readonly at: "writing" }
  | { readonly at: "ending"; readonly done: Deferred<void> }
  | { readonly at: "over"; readonly done: Deferred<void>; readonly reason: Error };

const MAX_BUFFER_BYTES = 16 * 1024 * 1024;
/** The room limits the rate of formats (P11), so a format waits this long after the previous one. */
const FORMAT_EVERY_MS = 1000;
const ENDED = "the publisher has ended";
const WRITTEN = Promise.resolve();
const END: SplitFrame = { payload: new Uint8Array(0), flags: Flag.end };

/**
 * Writes frames into a track of a room, each of them once, across lost connections. It connects at once, and stays
 * connected until `end`, `close` or a refusal.
 */
export class Publisher {
  /**
   * Resolves when the publisher has closed: with the refusal, or with undefined after `end` or `close`. Never rejects.
   */
  readonly closed: Promise<RefusedError | undefined>;
  readonly #options: PublisherOptions;
  readonly #environment: Environment;
  readonly #connection: Connection;
  readonly #sender: Sender;
  readonly #outbox = new Outbox();
  readonly #ready = deferred<{ connection: string; epoch: string }>();
  readonly #closed = deferred<RefusedError | undefined>();
  #state: State = { at: "writing" };
  #connectionId = "";
  /** Writers wait for this while the buffer is full. */
  #room: Deferred<void> | undefined;
  #pumping = false;
  #format: string | undefined;
  /** The format that the room got on this connection. */
  #toldFormat: string | undefined;
  readonly #formatTimer: Timer;
  #bytes = 0;
  #frames = 0;
  #connects = 0;

  /** Throws `TypeError` if `url` is not an http(s) URL, or if `format` is not valid. */
  constructor(options: PublisherOptions) {
    this.#options = options;
    this.#environment = options.environment ?? platformEnvironment;
    this.#formatTimer = new Timer(this.#environment);
    if (options.format !== undefined) this.setFormat(options.format);
    this.closed = this.#closed.promise;
    this.#connection = new Connection(
      { ...options, environment: this.#environment },
      {
        connecting: () => {},
        query: () => this.#query(),
        opened: () => {
          this.#connects++;
          this.#tellFormat();
        },
        control: (message) => this.#control(message),
        binary: () => {},
        lost: (name) => this.#lost(name),
        refused: (error) => this.#over(error, error),
      },
    );
    this.#sender = new Sender(this.#outbox, this.#connection, this.#environment);
    this.#connection.connect();
  }

  /** The current figures. */
  get stats(): PublisherStats {
    return {
      ...this.#outbox.dropped,
      bytes: this.#bytes,
      frames: this.#frames,
      bufferedBytes: this.#outbox.bytes,
      unackedBytes: this.#outbox.sentBytes,
      acknowledged: this.#outbox.position,
      reconnects: Math.max(0, this.#connects - 1),
      connected: this.#sender.isUp,
    };
  }

  /**
   * Resolves when the room accepts the publisher for the first time, with the ids of the connection and the epoch.
   * Rejects with `RefusedError` if that never happens.
   */
  ready(): Promise<{ connection: string; epoch: string }> {
    return this.#ready.promise;
  }

  /**
   * Queues frames; you must not change their payloads afterwards. Resolves when the buffer has space again: await it
   * before you write more. Rejects when no more frames can be written: with the `RefusedError`, or after `end` or
   * `close`. Throws `RangeError` for a payload above `MAX_PAYLOAD_BYTES` (with `Flag.init`: `MAX_INIT_BYTES`).
   */
  write(frames: readonly SplitFrame[]): Promise<void> {
    if (this.#state.at === "over") return rejected(this.#state.reason);
    if (this.#state.at === "ending") return rejected(new Error(ENDED));
    for (const frame of frames) check(frame);
    this.#append(frames);
    if (this.#isFull && this.#options.onFull === "drop-group") this.#dropGroups();
    if (!this.#isFull) return WRITTEN;
    this.#room ??= deferred();
    return this.#room.promise;
  }

  /** Sets the track's format from now on: printable ASCII, at most 128 characters. Throws `TypeError`. */
  setFormat(format: string): void {
    if (!isFormat(format)) throw new TypeError("a format must be printable ASCII with at most 128 characters");
    this.#format = format;
    this.#tellFormat();
  }

  /** Ends the stream. Resolves when the room has everything; rejects if that can no longer happen. */
  end(): Promise<void> {
    if (this.#state.at === "writing") {
      this.#state = { at: "ending", done: deferred() };
      this.#append([END]);
      this.#sender.pump();
      this.#sender.sync();
    }
    return this.#state.done.promise;
  }

  /** Closes the connection at once: unacknowledged frames may be lost. */
  close(): void {
    this.#over(new Error("the publisher is closed"), undefined);
  }

  get #isFull(): boolean {
    return this.#outbox.bytes >= (this.#options.maxBufferBytes ?? MAX_BUFFER_BYTES);
  }

  /** Sends first, as far as possible, so that only waiting frames are dropped. */
  #dropGroups(): void {
    this.#sender.pump();
    while (this.#isFull && this.#outbox.drop()) {}
    this.#tellBuffered();
  }

  #tellBuffered(): void {
    this.#options.onBuffered?.(this.#state.at === "over" ? 0 : this.#outbox.bytes);
  }

  #query(): Record<string, string> {
    const { track = DEFAULT_TRACK, takeover = false } = this.#options;
    this.#toldFormat = this.#format;
    const query = { role: "publish", track, ...(this.#format !== undefined && { format: this.#format }) };
    const position = this.#outbox.position;
    if (position !== undefined) {
      return { ...query, resume: formatPosition(position), unacknowledged: String(this.#outbox.unacknowledged) };
    }
    return takeover ? { ...query, takeover: "1" } : query;
  }

  /** Sends the format if the connection is open and its query did not contain it. */
  #tellFormat(): void {
    if (this.#connects === 0 || !this.#connection.isOpen || this.#format === this.#toldFormat) return;
    if (this.#formatTimer.isSet) return;
    this.#formatTimer.set(FORMAT_EVERY_MS, () => this.#tellFormat());
    this.#toldFormat = this.#format;
    this.#connection.send(JSON.stringify({ type: "format", format: this.#format }));
  }

  #append(frames: readonly SplitFrame[]): void {
    const now = this.#environment.now();
    for (const frame of frames) {
      this.#outbox.write(frame, now);
      this.#bytes += frame.payload.byteLength;
    }
    this.#frames += frames.length;
    this.#tellBuffered();
    if (this.#pumping) return;
    this.#pumping = true;
    queueMicrotask(() => {
      this.#pumping = false;
      this.#sender.pump();
    });
  }

  #control(message: ServerMessage): void {
    if (message.type === "welcome") this.#connectionId = message.connection;
    else if (message.type === "init") this.#sender.sendInit();
    else if (message.type === "ack") this.#sender.acknowledge(message);
    else if (message.type === "publish") {
      this.#sender.accept(message);
      this.#ready.resolve({ connection: this.#connectionId, epoch: message.epoch });
    } else return;
    this.#settle();
  }

  /** Resolves the promises of writers that wait for space in the buffer, or for the end. */
  #settle(): void {
    this.#tellBuffered();
    if (!this.#isFull) {
      this.#room?.resolve();
      this.#room = undefined;
    }
    if (this.#state.at === "ending" && this.#outbox.bytes === 0) {
      this.#state.done.resolve();
      this.#over(new Error(ENDED), undefined);
    }
  }

  #lost(name: string): RefusedError | undefined {
    this.#sender.stop();
    const accepted = this.#outbox.position !== undefined;
    return name === "track_busy" && !accepted ? new RefusedError(name) : undefined;
  }

  #over(reason: Error, refusal: RefusedError | undefined): void {
    if (this.#state.at === "over") return;
    const done = this.#state.at === "ending" ? this.#state.done : deferred<void>();
    done.reject(reason);
    this.#state = { at: "over", done, reason };
    this.#tellBuffered();
    this.#sender.stop();
    this.#formatTimer.clear();
    this.#connection.close();
    this.#room?.reject(reason);
    this.#ready.reject(reason);
    this.#closed.resolve(refusal);
  }
}

function check({ payload, flags }: SplitFrame): void {
  const limit = (flags & Flag.init) !== 0 ? MAX_INIT_BYTES : MAX_PAYLOAD_BYTES;
  if (payload.byteLength > limit) throw new RangeError(`payload of ${payload.byteLength} bytes, limit ${limit}`);
}
