// The publisher: writes frames into a track, across connections, exactly once.
import type { ServerMessage } from "../protocol/control.ts";
import { Flag } from "../protocol/frame.ts";
import { MAX_INIT_BYTES, MAX_PAYLOAD_BYTES } from "../protocol/limits.ts";
import { DEFAULT_TRACK } from "../protocol/names.ts";
import { formatPosition } from "../protocol/position.ts";
import type { SplitFrame } from "../protocol/splitter.ts";
import { Connection } from "./connection.ts";
import { type Deferred, deferred, rejected } from "./deferred.ts";
import { Outbox } from "./outbox.ts";
import type { PublisherOptions, PublisherStats } from "./publisher-options.ts";
import { RefusedError } from "./refused-error.ts";
import { Sender } from "./sender.ts";

type State =
  | { readonly at: "writing" }
  | { readonly at: "ending"; readonly done: Deferred<void> }
  | { readonly at: "over"; readonly done: Deferred<void>; readonly reason: Error };

const MAX_BUFFER_BYTES = 16 * 1024 * 1024;
const ENDED = "the publisher was ended";
const WRITTEN = Promise.resolve();
const END: SplitFrame = { payload: new Uint8Array(0), flags: Flag.end };

/** Connects at once and stays connected until `end`, `close` or a refusal. */
export class Publisher {
  /** When it is over: the refusal, or undefined after `end` or `close`. */
  readonly closed: Promise<RefusedError | undefined>;
  readonly #options: PublisherOptions;
  readonly #connection: Connection;
  readonly #sender: Sender;
  readonly #outbox = new Outbox();
  readonly #ready = deferred<{ connection: string; epoch: string }>();
  readonly #closed = deferred<RefusedError | undefined>();
  #state: State = { at: "writing" };
  #connectionId = "";
  /** What writers wait for while the buffer is full. */
  #room: Deferred<void> | undefined;
  #pumping = false;
  #bytes = 0;
  #frames = 0;
  #connects = 0;

  /** Throws `TypeError` where `url` is no http(s) URL. */
  constructor(options: PublisherOptions) {
    this.#options = options;
    this.closed = this.#closed.promise;
    this.#connection = new Connection(options, {
      connecting: () => {},
      query: () => this.#query(),
      opened: () => this.#connects++,
      control: (message) => this.#control(message),
      binary: () => {},
      lost: (name) => this.#lost(name),
      refused: (error) => this.#over(error, error),
    });
    this.#sender = new Sender(this.#outbox, this.#connection, options.environment);
    this.#connection.connect();
  }

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

  /** When the room accepted it the first time. Rejects with `RefusedError` where that never happens. */
  ready(): Promise<{ connection: string; epoch: string }> {
    return this.#ready.promise;
  }

  /**
   * Queues frames; their payloads must not be changed after. Resolves when the buffer has room again, rejects when
   * nothing more can be written. Throws `RangeError` for a payload above the protocol's limits.
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

  /** Ends the epoch and resolves when all is acknowledged; rejects where that cannot happen any more. */
  end(): Promise<void> {
    if (this.#state.at === "writing") {
      this.#state = { at: "ending", done: deferred() };
      this.#append([END]);
      this.#sender.pump();
      this.#sender.sync();
    }
    return this.#state.done.promise;
  }

  /** At once: what is not acknowledged may be lost. */
  close(): void {
    this.#over(new Error("the publisher was closed"), undefined);
  }

  get #isFull(): boolean {
    return this.#outbox.bytes >= (this.#options.maxBufferBytes ?? MAX_BUFFER_BYTES);
  }

  /** First what can be sent is sent: only what has to wait may be dropped. */
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
    const query = { role: "publish", track };
    const position = this.#outbox.position;
    if (position !== undefined) {
      return { ...query, resume: formatPosition(position), unacknowledged: String(this.#outbox.unacknowledged) };
    }
    return takeover ? { ...query, takeover: "1" } : query;
  }

  #append(frames: readonly SplitFrame[]): void {
    const now = this.#options.environment.now();
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

  /** Tells those who wait for room in the buffer, or for its end. */
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
