// Frames and messages for property tests.
import fc from "fast-check";
import { encodeMessage, Flag, type Frame, FrameType, readMessage } from "../../../protocol/frame.ts";
import { MAX_SEQUENCE, MAX_TRACKS } from "../../../protocol/limits.ts";

/** A frame; fields that are not given are zero or empty. */
export function frame(fields: Partial<Frame> = {}): Frame {
  return { type: FrameType.frame, flags: 0, track: 0, sequence: 0, timestamp: 0, payload: new Uint8Array(), ...fields };
}

/** Any legal frame with a short payload. */
export const anyFrame: fc.Arbitrary<Frame> = fc.record({
  type: fc.constantFrom(FrameType.frame, FrameType.init),
  flags: fc.nat(Flag.init | Flag.key | Flag.discontinuity | Flag.end),
  track: fc.nat(MAX_TRACKS - 1),
  sequence: fc.maxSafeNat().map((number) => Math.min(number, MAX_SEQUENCE)),
  timestamp: fc.maxSafeNat(),
  payload: fc.uint8Array({ maxLength: 40 }),
});

export const anyFrames = fc.array(anyFrame, { minLength: 1, maxLength: 8 });

/** The frames of a message, with their payloads. */
export function framesOf(message: Uint8Array): Frame[] {
  return readMessage(message).map(({ start, end, ...header }) => ({
    ...header,
    payload: message.subarray(start, end),
  }));
}

/** Encodes a message's frames again: the result equals the message exactly if reading loses nothing. */
export function again(message: Uint8Array): Uint8Array {
  return encodeMessage(framesOf(message));
}
