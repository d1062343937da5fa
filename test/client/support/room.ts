// The messages of a scripted room.

import type { ServerMessage } from "../../../protocol/control.ts";
import { encodeMessage, type Frame, FrameType, readMessage } from "../../../protocol/frame.ts";
import type { SplitFrame } from "../../../protocol/splitter.ts";

export const WELCOME: ServerMessage = { type: "welcome", connection: "c1", room: "r", now: 0 };

/** A `publish` message: epoch `e1`, sequence 0, track 0, a window of 1 MiB, no request for the init. */
export function accept(fields: Partial<ServerMessage & { type: "publish" }> = {}): ServerMessage {
  const defaults = { track: 0, name: "main", epoch: "e1", sequence: 0, window: 1024 * 1024, init: false };
  return { type: "publish", ...defaults, ...fields };
}

export function ack(sequence: number, window = 1024 * 1024): ServerMessage {
  return { type: "ack", sequence, window };
}

export function announce(sequence = 0, epoch = "e1", name = "main", track = 0): ServerMessage {
  return { type: "track", track, name, epoch, sequence };
}

/** A frame to write, with a text as its payload. */
export function text(payload: string, flags = 0): SplitFrame {
  return { payload: new TextEncoder().encode(payload), flags };
}

/** A message with frames of track 0, or as `fields` say; payloads are the sequences, as text. */
export function message(sequences: readonly number[], fields: Partial<Frame> = {}): Uint8Array<ArrayBuffer> {
  return encodeMessage(
    sequences.map((sequence) => ({
      type: FrameType.frame,
      flags: 0,
      track: 0,
      sequence,
      timestamp: 7,
      payload: new TextEncoder().encode(String(sequence)),
      ...fields,
    })),
  );
}

/**
 * `sequence:payload` of each frame of a message. Types other than 1, tracks other than 0 and flags are added: `t2`,
 * `#1`, `f4`.
 */
export function read(bytes: Uint8Array): string[] {
  return readMessage(bytes).map(({ type, flags, track, sequence, start, end }) => {
    const marks = [type !== 1 && `t${type}`, track !== 0 && `#${track}`, flags !== 0 && `f${flags}`].filter(Boolean);
    return [...marks, `${sequence}:${new TextDecoder().decode(bytes.subarray(start, end))}`].join(" ");
  });
}
