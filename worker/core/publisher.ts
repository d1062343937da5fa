// A connection that sends into a track: its place in the numbering, its acknowledgements, its window.
import type { CloseReason } from "../../protocol/close.ts";
import type { ServerMessage } from "../../protocol/control.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { FrameType, type FrameView, HEADER_BYTES, readMessage } from "../../protocol/frame.ts";
import { MAX_MESSAGE_BYTES } from "../../protocol/limits.ts";
import type { Who } from "./attachment.ts";
import type { Usage } from "./authorize.ts";
import { moveFrame } from "./batch.ts";
import type { Sink } from "./sink.ts";
import type { Track } from "./track.ts";
import type { Tuning } from "./tuning.ts";

/** An `ack` goes out for so many bytes, or so many ms after the last one. */
const ACK_BYTES = 64 * 1024;
const ACK_MS = 100;

/** A publisher that asks for acks and does not read them gets no more while so much waits for it. */
const MAX_QUEUED_BYTES = 64 * 1024;

/** Why a publisher waits: its subscribers still have enough, or the room takes in no more. */
export type HoldCause = "subscribers" | "intake";

/** What a room tells of a publisher. */
export interface PublisherFigures {
  readonly framesReceived: number;
  readonly bytesReceived: number;
  readonly duplicates: number;
  readonly held: boolean;
}

/** What a message of a publisher is. */
export type Incoming =
  | { readonly is: "init"; readonly payload: Uint8Array }
  | { readonly is: "frames"; readonly bytes: Uint8Array; readonly frames: readonly FrameView[] }
  | { readonly is: "duplicate" };

/** One publisher of one track. */
export class Publisher {
  readonly id: string;
  #who: Who;
  readonly track: Track;
  readonly #sink: Sink;
  readonly #settings: Tuning;
  #framesReceived = 0;
  #bytesReceived = 0;
  #duplicates = 0;
  #unackedBytes = 0;
  #ackedAt = 0;
  #heardAt: number;
  /** Bytes received since the window was closed. */
  #heldBytes = 0;
  /** Why the window is closed; none: it is open. */
  readonly #holds = new Set<HoldCause>();

  constructor(id: string, who: Who, track: Track, sink: Sink, settings: Tuning, now: number) {
    this.id = id;
    this.#who = who;
    this.track = track;
    this.#sink = sink;
    this.#settings = settings;
    this.#heardAt = now;
  }

  /** Has it neither sent nor pinged for too long? */
  isSilent(now: number): boolean {
    return now - Math.max(this.#heardAt, this.#sink.lastPong() ?? 0) > this.#settings.publisherSilenceMs;
  }

  /** Is it held back for its subscribers' sake? */
  get isHeld(): boolean {
    return this.#holds.has("subscribers");
  }

  /** Accepts it: tells what it is to send next, and keeps what must survive sleep. */
  welcome(): void {
    const { number, name, epoch, next, hasInit } = this.track;
    const window = this.#window;
    this.tell({ type: "publish", track: number, name, epoch, sequence: next ?? 0, window, init: !hasInit });
    this.#save();
  }

  get who(): Who {
    return this.#who;
  }

  get usage(): Usage {
    return { role: "publish", who: this.#who, tracks: [this.track.name], reliable: false };
  }

  /** Goes on with another token; that survives sleep. */
  renew(who: Who): void {
    this.#who = who;
    this.#save();
  }

  #save(): void {
    const { number, name, epoch, mayReach } = this.track;
    this.#sink.save({ role: "publisher", id: this.id, who: this.#who, track: name, number, epoch, mayReach });
  }

  tell(message: ServerMessage): void {
    this.#sink.send(JSON.stringify(message));
  }

  close(reason: CloseReason, text: string): void {
    this.#sink.close(reason.code, text);
  }

  /**
   * Reads a message: frames that follow, without those that the track has. Throws `ProtocolError`.
   * `wake` is called with the first sequence where the track does not know where it stands.
   */
  receive(bytes: Uint8Array, now: number, wake: (sequence: number) => void): Incoming {
    this.#heardAt = now;
    const frames = readMessage(bytes);
    this.#bytesReceived += bytes.byteLength;
    this.#unackedBytes += bytes.byteLength;
    this.#checkHeld(bytes.byteLength);
    const first = this.#check(frames);
    if (first.type === FrameType.init) {
      return { is: "init", payload: bytes.subarray(first.start, first.end) };
    }
    if (this.track.next === null) wake(first.sequence);
    return this.#withoutDuplicates(bytes, frames, first.sequence);
  }

  /** `from` to `to` will not come: where the track goes on. Throws `ProtocolError`. */
  skip(from: number, to: number): void {
    if (from !== this.track.next || to < from)
      throw new ProtocolError("out_of_sequence", "a gap begins at the next frame");
    this.track.skip(from, to);
  }

  /** Acknowledges, where it is due; `force`: now. */
  acknowledge(now: number, force: boolean): void {
    if ((this.#sink.bufferedBytes() ?? 0) > MAX_QUEUED_BYTES) return;
    if (force || this.#unackedBytes >= ACK_BYTES || now - this.#ackedAt >= ACK_MS) this.#tellAck(now);
  }

  /** Closes its window, or opens it, as far as `cause` is concerned. */
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
      framesReceived: this.#framesReceived,
      bytesReceived: this.#bytesReceived,
      duplicates: this.#duplicates,
      held: this.#window === 0,
    };
  }

  #tellAck(now: number): void {
    const { next } = this.track;
    if (next === null) return;
    this.#unackedBytes = 0;
    this.#ackedAt = now;
    this.tell({ type: "ack", sequence: next, window: this.#window });
  }

  get #window(): number {
    return this.#holds.size > 0 ? 0 : this.#settings.publisherWindowBytes;
  }

  #check(frames: readonly FrameView[]): FrameView {
    const first = frames[0];
    if (first === undefined) throw new ProtocolError("frame_truncated", "a message has frames");
    for (const [index, frame] of frames.entries()) {
      if (frame.track !== this.track.number) {
        throw new ProtocolError("frame_bad_track", `this connection publishes track ${this.track.number}`);
      }
      if (frame.type === FrameType.init && frames.length > 1) {
        throw new ProtocolError("frame_bad_type", "a frame of type 2 stands alone in its message");
      }
      if (frame.type === FrameType.frame && frame.sequence !== first.sequence + index) {
        throw new ProtocolError("out_of_sequence", "sequences are dense");
      }
    }
    return first;
  }

  #checkHeld(bytes: number): void {
    if (this.#holds.size === 0) return;
    this.#heldBytes += bytes;
    if (this.#heldBytes > this.#settings.publisherWindowBytes + MAX_MESSAGE_BYTES) {
      throw new ProtocolError("window_exceeded", "the window is 0");
    }
  }

  #withoutDuplicates(bytes: Uint8Array, frames: readonly FrameView[], sequence: number): Incoming {
    const next = this.track.next ?? sequence;
    if (sequence > next) throw new ProtocolError("out_of_sequence", `the next frame is ${next}`);
    const known = Math.min(next - sequence, frames.length);
    this.#duplicates += known;
    this.#framesReceived += frames.length - known;
    if (known === frames.length) return { is: "duplicate" };
    const offset = (frames[known]?.start ?? 0) - HEADER_BYTES;
    const rest = known === 0 ? frames : frames.slice(known).map((frame) => moveFrame(frame, -offset));
    return { is: "frames", bytes: bytes.subarray(offset), frames: rest };
  }
}
