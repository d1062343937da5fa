// Turns a room's messages into events: positions, duplicates, and unannounced gaps (rule S2). Pure.
import type { ServerMessage } from "../protocol/control.ts";
import { ProtocolError } from "../protocol/errors.ts";
import { Flag, FrameType, type FrameView, readMessage } from "../protocol/frame.ts";
import { formatPosition } from "../protocol/position.ts";
import type { SubscriberEvent } from "./events.ts";

/** The expected next position of a track. */
interface Expected {
  readonly name: string;
  readonly epoch: string;
  sequence: number;
}

/** Reads the messages of successive connections. */
export class Reader {
  /** By track name. Survives connections. */
  readonly #expected = new Map<string, Expected>();
  /** By track number. Only for the current connection. */
  #tracks: (Expected | undefined)[] = [];

  /** The position to resume at, in the form of `?start=`; undefined before the first track. */
  get start(): string | undefined {
    const positions = [...this.#expected.values()].map((track) => `${track.name}:${formatPosition(track)}`);
    return positions.length === 0 ? undefined : positions.join(",");
  }

  /** A new connection: the old track numbers are no longer valid. */
  reset(): void {
    this.#tracks = [];
  }

  /** The events of a text message. */
  control(message: ServerMessage): SubscriberEvent[] {
    switch (message.type) {
      case "track":
        this.#announce(message);
        return message.format === undefined ? [] : [formatOf(message, message.format)];
      case "format":
        return [formatOf(message, message.format)];
      case "gap":
        return this.#gap(message);
      case "caught-up":
        return [{ type: "caught-up", track: message.name, epoch: message.epoch, sequence: message.sequence }];
      case "source":
        return [{ type: "source", track: message.name, state: message.state }];
      case "occupancy":
        return [{ type: "occupancy", subscribers: message.subscribers, publishers: message.publishers }];
      case "message":
      case "presence":
      case "delivery":
        return [message];
      default:
        return [];
    }
  }

  /** The events of a binary message. Throws `ProtocolError` if the room breaks a rule. */
  binary(message: Uint8Array): SubscriberEvent[] {
    const events: SubscriberEvent[] = [];
    for (const frame of readMessage(message)) {
      const track = this.#tracks[frame.track];
      if (track === undefined) throw new ProtocolError("frame_bad_track", "a track that was not announced");
      const payload = message.subarray(frame.start, frame.end);
      if (frame.type === FrameType.frame) readFrame(frame, payload, track, events);
      else events.push({ type: "init", track: track.name, epoch: track.epoch, sequence: frame.sequence, payload });
    }
    return events;
  }

  /** In a known epoch, the expectation stays: anything that the room leaves out is a gap, announced or not. */
  #announce({ track, name, epoch, sequence }: ServerMessage & { type: "track" }): void {
    const known = this.#expected.get(name);
    const expected = known?.epoch === epoch ? known : { name, epoch, sequence };
    this.#expected.set(name, expected);
    this.#tracks[track] = expected;
  }

  #gap({ name: track, epoch, from, to, reason }: ServerMessage & { type: "gap" }): SubscriberEvent[] {
    const told: SubscriberEvent = { type: "gap", track, epoch, from, to, reason };
    const expected = this.#expected.get(track);
    if (expected?.epoch !== epoch) return [told];
    const untold = from > expected.sequence ? [unknownGap(expected, from)] : [];
    if (to === null) this.#expected.delete(track);
    else expected.sequence = Math.max(expected.sequence, to + 1);
    return [...untold, told];
  }
}

function readFrame(frame: FrameView, payload: Uint8Array, track: Expected, events: SubscriberEvent[]): void {
  const { flags, sequence, timestamp } = frame;
  if (sequence < track.sequence) return;
  if (sequence > track.sequence) events.push(unknownGap(track, sequence));
  track.sequence = sequence + 1;
  const place = { track: track.name, epoch: track.epoch, sequence };
  const isMark = (flags & Flag.end) !== 0 && payload.byteLength === 0;
  events.push(isMark ? { type: "end", ...place } : { type: "frame", ...place, flags, timestamp, payload });
}

function formatOf({ name: track, epoch }: { name: string; epoch: string }, format: string | null): SubscriberEvent {
  return { type: "format", track, epoch, format };
}

function unknownGap({ name: track, epoch, sequence: from }: Expected, before: number): SubscriberEvent {
  return { type: "gap", track, epoch, from, to: before - 1, reason: "unknown" };
}
