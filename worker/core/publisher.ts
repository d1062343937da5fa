// A publishing connection: its acknowledgements, its window, its holds, and its last sign of life.
import type { ServerMessage } from "../../protocol/control.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { GAPS_BURST, GAPS_PER_SECOND, MAX_MESSAGE_BYTES } from "../../protocol/limits.ts";
import type { Usage } from "./authorize.ts";
import type { Connection } from "./connection.ts";
import { TokenBucket } from "./token-bucket.ts";
import type { Track } from "./track.ts";
import { type Incoming, TrackInput } from "./track-input.ts";
import { ACK_BYTES, ACK_DELAY_MS, ACK_MS, ACK_QUEUED_BYTES, ACK_RETRY_MS, type Tuning } from "./tuning.ts";

/** Why a publisher waits: its subscribers have a backlog, or the room accepts no more data. */
export type HoldCause = "subscribers" | "intake";

/** A publisher's figures for the API. */
export interface PublisherFigures {
  readonly framesReceived: number;
  readonly bytesReceived: number;
  readonly duplicates: number;
  readonly held: boolean;
}

/** One publisher of one track. */
export class Publisher {
  readonly connection: Connection;
  readonly track: Track;
  readonly #tuning: Tuning;
  readonly #input: TrackInput;
  readonly #news = new TokenBucket(GAPS_PER_SECOND, GAPS_BURST);
  #bytesReceived = 0;
  #unackedBytes = 0;
  #ackedAt = 0;
  #ackDueAt: number | undefined;
  /** Bytes received since the window was closed. */
  #heldBytes = 0;
  /** Why the window is closed; empty: it is open. */
  readonly #holds = new Set<HoldCause>();

  constructor(connection: Connection, track: Track, tuning: Tuning) {
    this.connection = connection;
    this.track = track;
    this.#tuning = tuning;
    this.#input = new TrackInput(track);
  }

  get id(): string {
    return this.connection.id;
  }

  get usage(): Usage {
    return { role: "publish", who: this.connection.who, tracks: [this.track.name], reliable: false };
  }

  /** True if it has been silent for so long that another publisher may replace it. */
  isSilent(now: number): boolean {
    return now - this.connection.silentSince > this.#tuning.publisherSilenceMs;
  }

  /** When `tick` is needed; undefined: everything is acknowledged. */
  get ackDueAt(): number | undefined {
    return this.#ackDueAt;
  }

  /** Does the work that `ackDueAt` waited for. */
  tick(now: number): void {
    if (this.#ackDueAt !== undefined && this.#ackDueAt <= now) this.#acknowledge(now);
  }

  /** Accepts it: sends its next sequence, and stores the state that must survive sleep. */
  welcome(): void {
    const { number, name, epoch, next, hasInit } = this.track;
    const window = this.#window;
    this.tell({ type: "publish", track: number, name, epoch, sequence: next ?? 0, window, init: !hasInit });
    this.save();
  }

  /** Stores the state that must survive sleep. */
  save(): void {
    const { number, name, epoch, mayReach, format } = this.track;
    const { id, who } = this.connection;
    const kept = { role: "publisher", id, who, track: name, number, epoch, mayReach } as const;
    this.connection.save(format === null ? kept : { ...kept, format });
  }

  tell(message: ServerMessage): void {
    this.connection.tell(message);
  }

  /** Reads a message; see `TrackInput.read`. */
  receive(bytes: Uint8Array, now: number, wake: (sequence: number) => void): Incoming {
    const incoming = this.#input.read(bytes, wake);
    this.#bytesReceived += bytes.byteLength;
    this.#unackedBytes += bytes.byteLength;
    this.#ackDueAt ??= now + ACK_DELAY_MS;
    this.#checkHeld(bytes.byteLength);
    return incoming;
  }

  /** It dropped `from` to `to`, so the track continues after them. Throws `ProtocolError`. */
  skip(from: number, to: number, now: number): void {
    this.countNews(now);
    this.#input.skip(from, to, "ingest");
  }

  /** Counts a message that every subscriber gets. Throws `ProtocolError` if there are too many. */
  countNews(now: number): void {
    if (!this.#news.take(1, now)) throw new ProtocolError("too_fast", "too many gaps or formats");
  }

  /**
   * Acknowledges if enough has arrived. `asked`: it sent `sync`, or frames that the room has, and gets an answer now.
   */
  acknowledge(now: number, asked: boolean): void {
    if (asked || this.#unackedBytes >= ACK_BYTES || now - this.#ackedAt >= ACK_MS) this.#acknowledge(now);
  }

  /** Closes or opens its window for `cause`. */
  hold(held: boolean, now: number, cause: HoldCause = "subscribers"): void {
    const before = this.#window;
    if (held) this.#holds.add(cause);
    else this.#holds.delete(cause);
    if (this.#window === before) return;
    this.#heldBytes = 0;
    this.#tellAck(now);
  }

  figures(): PublisherFigures {
    return {
      framesReceived: this.#input.framesReceived,
      bytesReceived: this.#bytesReceived,
      duplicates: this.#input.duplicates,
      held: this.#window === 0,
    };
  }

  #acknowledge(now: number): void {
    this.connection.measure();
    if (this.connection.queuedBytes <= ACK_QUEUED_BYTES) return this.#tellAck(now);
    this.#ackDueAt = now + ACK_RETRY_MS;
  }

  #tellAck(now: number): void {
    const { next } = this.track;
    this.#ackDueAt = undefined;
    if (next === null) return;
    this.#unackedBytes = 0;
    this.#ackedAt = now;
    this.tell({ type: "ack", sequence: next, window: this.#window });
  }

  get #window(): number {
    return this.#holds.size > 0 ? 0 : this.#tuning.publisherWindowBytes;
  }

  #checkHeld(bytes: number): void {
    if (this.#holds.size === 0) return;
    this.#heldBytes += bytes;
    if (this.#heldBytes > this.#tuning.publisherWindowBytes + MAX_MESSAGE_BYTES) {
      throw new ProtocolError("window_exceeded", "the window is 0");
    }
  }
}
