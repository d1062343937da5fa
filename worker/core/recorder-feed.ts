// A recorder's end of its link: the room's messages about one track, checked for continuity.
import { PONG, parseServerMessage } from "../../protocol/control.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { Flag, FrameType, readMessage } from "../../protocol/frame.ts";
import { MAX_SEQUENCE } from "../../protocol/limits.ts";
import { parseParentMessage } from "../../protocol/link.ts";
import type { Position } from "../../protocol/position.ts";
import type { RecordedGapReason } from "../../protocol/recording.ts";
import type { IncomingFrame } from "./cutter.ts";
import { LinkPing } from "./link-ping.ts";

/** The receiver of the data. */
export interface Intake {
  frame(now: number, epoch: string, frame: IncomingFrame): void;
  /** The init of the track, which is not a frame. */
  init(payload: Uint8Array): void;
  /** `to` null: to the end of the epoch. */
  gap(now: number, epoch: string, from: number, to: number | null, reason: RecordedGapReason): void;
  /** Another epoch begins; `before`: the expected next position in the previous one. */
  epoch(now: number, format: string | null, before: Position | undefined): void;
  format(format: string | null): void;
  /** Whether the track has a source. Without one, nothing may come for long. */
  source(now: number, isOnline: boolean): void;
  /** The link ends when everything is stored. */
  park(now: number): void;
}

/** Reads successive links. An invalid message throws `ProtocolError`: the link ends, and starts again. */
export class RecorderFeed {
  readonly #track: string;
  readonly #intake: Intake;
  #number: number | undefined;
  #ping = new LinkPing();
  #ageMs = 0;
  #position: Position | undefined;
  /** The newest frame of the epoch marked its end. */
  #hasEnded = false;
  /** No data of the track has come over this link: missing frames are then gone from the room. */
  #isFresh = true;

  constructor(track: string, intake: Intake) {
    this.#track = track;
    this.#intake = intake;
  }

  /** The next wanted frame; undefined: any. `MAX_SEQUENCE`: that epoch is over. */
  get position(): Position | undefined {
    return this.#position;
  }

  /** After sleep, or if received data is lost. */
  goOnAt(position: Position | undefined): void {
    this.#position = position;
    this.#hasEnded = false;
  }

  /** A new link: the old track numbers are no longer valid. */
  reset(): void {
    this.#number = undefined;
    this.#isFresh = true;
    this.#ageMs = 0;
    this.#ping = new LinkPing();
  }

  get pingAt(): number | undefined {
    return this.#ping.dueAt;
  }

  takePing(now: number): boolean {
    return this.#ping.take(now);
  }

  text(now: number, text: string): void {
    if (text === PONG) return this.#ping.pong(now);
    const own = parseParentMessage(text);
    if (own?.type === "park") return this.#intake.park(now);
    if (own !== undefined) {
      this.#ageMs = own.ms;
      return;
    }
    const message = parseServerMessage(text);
    if (message === undefined) return;
    this.#ping.received(text.length);
    if (!("name" in message) || message.name !== this.#track) return;
    if (message.type === "track") {
      this.#number = message.track;
      this.#announce(now, message.epoch, message.sequence, message.format ?? null);
    } else if (message.type === "gap") this.#gap(now, message.epoch, message.to, message.reason);
    else if (message.type === "format") this.#intake.format(message.format);
    else if (message.type === "source") this.#intake.source(now, message.state === "online");
  }

  binary(now: number, bytes: Uint8Array): void {
    this.#ping.received(bytes.byteLength);
    const receivedAt = now - this.#ageMs;
    this.#ageMs = 0;
    for (const frame of readMessage(bytes)) {
      if (frame.track !== this.#number || this.#position === undefined) {
        throw new ProtocolError("frame_bad_track", "a track that was not announced");
      }
      const payload = bytes.subarray(frame.start, frame.end);
      const { epoch, sequence: next } = this.#position;
      if (frame.type === FrameType.init) this.#intake.init(payload);
      if (frame.type === FrameType.init || frame.sequence < next) continue;
      if (frame.sequence > next) {
        this.#intake.gap(now, epoch, next, frame.sequence - 1, this.#isFresh ? "history" : "unknown");
      }
      this.#isFresh = false;
      this.#position = { epoch, sequence: frame.sequence + 1 };
      this.#hasEnded = (frame.flags & Flag.end) !== 0;
      const { sequence, flags, timestamp } = frame;
      this.#intake.frame(now, epoch, { sequence, flags, timestamp, receivedAt, payload });
    }
  }

  /**
   * In a known epoch, the expectation stays. Within a link, the room reports missing frames of an epoch; between two
   * links, nobody does.
   */
  #announce(now: number, epoch: string, sequence: number, format: string | null): void {
    const before = this.#position;
    if (before?.epoch === epoch) return this.#intake.format(format);
    if (before !== undefined && before.sequence < MAX_SEQUENCE && this.#isFresh && !this.#hasEnded) {
      this.#intake.gap(now, before.epoch, before.sequence, null, "epoch");
    }
    this.#intake.epoch(now, format, before);
    if (before !== undefined && sequence > 0) this.#intake.gap(now, epoch, 0, sequence - 1, "history");
    this.#hasEnded = false;
    this.#position = { epoch, sequence };
  }

  #gap(now: number, epoch: string, to: number | null, reason: RecordedGapReason): void {
    const before = this.#position;
    if (before?.epoch !== epoch) return;
    if (to === null) {
      this.#intake.gap(now, epoch, before.sequence, null, reason);
      this.#position = { epoch, sequence: MAX_SEQUENCE };
    } else if (to >= before.sequence) {
      this.#intake.gap(now, epoch, before.sequence, to, reason);
      this.#position = { epoch, sequence: to + 1 };
    }
  }
}
