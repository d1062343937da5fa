// The frame codec: every message is either read completely or refused completely.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeMessage, Flag, type Frame, FrameType, HEADER_BYTES, readMessage } from "../../protocol/frame.ts";
import {
  MAX_INIT_BYTES,
  MAX_MESSAGE_BYTES,
  MAX_MESSAGE_FRAMES,
  MAX_PAYLOAD_BYTES,
  MAX_SAFE,
  MAX_SEQUENCE,
} from "../../protocol/limits.ts";
import { codeOf, violation } from "./support/errors.ts";
import { again, anyFrames, frame, framesOf } from "./support/frames.ts";

/** The end of each frame in the message of `frames`. */
function ends(frames: readonly Frame[]): number[] {
  let end = 0;
  return frames.map(({ payload }) => {
    end += HEADER_BYTES + payload.byteLength;
    return end;
  });
}

/** A header that declares `length` bytes, without any of them. */
function promise(length: number, fields: Partial<Frame> = {}): Uint8Array {
  const message = encodeMessage([frame(fields)]);
  new DataView(message.buffer).setUint32(4, length);
  return message;
}

describe("reading written messages", () => {
  test("F1 all frames are read, their payloads as views of the message", () => {
    fc.assert(
      fc.property(anyFrames, (frames) => {
        const message = encodeMessage(frames);
        const read = framesOf(message);
        expect(read).toEqual(frames);
        expect(read.every(({ payload }) => payload.buffer === message.buffer)).toBe(true);
      }),
    );
  });

  test("F1 a message in the middle of a buffer is read without its surroundings", () => {
    fc.assert(
      fc.property(anyFrames, fc.nat(9), fc.nat(9), (frames, before, behind) => {
        const message = encodeMessage(frames);
        const buffer = new Uint8Array(before + message.length + behind).fill(0xff);
        buffer.set(message, before);
        expect(framesOf(buffer.subarray(before, before + message.length))).toEqual(frames);
      }),
    );
  });

  test("F1 the message that was read is not changed", () => {
    const message = encodeMessage([frame({ payload: Uint8Array.of(1, 2) }), frame({ sequence: 1 })]);
    const before = message.slice();
    readMessage(message);
    expect(message).toEqual(before);
  });

  test("F10 frames without payload are read wherever they stand", () => {
    const full = frame({ payload: Uint8Array.of(9) });
    for (const frames of [[frame()], [frame(), full], [full, frame()], [frame(), frame(), frame()]]) {
      expect(framesOf(encodeMessage(frames))).toEqual(frames);
    }
  });

  test("every field stands where the table says", () => {
    const message = encodeMessage([
      frame({
        type: FrameType.init,
        flags: Flag.key | Flag.end,
        track: 15,
        sequence: 0x01_0203_0405_0607,
        timestamp: 0x1f_ffff_ffff_fffe,
        payload: Uint8Array.of(0xaa, 0xbb),
      }),
    ]);
    expect(Buffer.from(message).toString("hex")).toBe("020a0f00000000020001020304050607001ffffffffffffeaabb");
    expect(HEADER_BYTES).toBe(24);
    expect([Flag.init, Flag.key, Flag.discontinuity, Flag.end]).toEqual([1, 2, 4, 8]);
  });
});

describe("refusing", () => {
  test("F1 one bad frame is enough, wherever it stands", () => {
    fc.assert(
      fc.property(anyFrames, fc.nat(), (frames, which) => {
        const message = encodeMessage(frames);
        message[[0, ...ends(frames)][which % frames.length] ?? 0] = 0;
        expect(codeOf(() => readMessage(message))).toBe("frame_bad_type");
      }),
    );
  });

  test("F2 a message that is cut off anywhere but between two frames", () => {
    fc.assert(
      fc.property(anyFrames, (frames) => {
        const message = encodeMessage(frames);
        const whole = ends(frames);
        for (let length = 0; length < message.length; length++) {
          const cut = message.subarray(0, length);
          if (whole.includes(length)) expect(framesOf(cut)).toEqual(frames.slice(0, whole.indexOf(length) + 1));
          else expect(codeOf(() => readMessage(cut))).toBe("frame_truncated");
        }
      }),
    );
  });

  test("F2 an empty message", () => {
    expect(codeOf(() => readMessage(new Uint8Array()))).toBe("frame_truncated");
  });

  test("F2 bytes behind the last frame are not a frame", () => {
    const message = encodeMessage([frame({ payload: Uint8Array.of(1) })]);
    for (let extra = 1; extra < HEADER_BYTES; extra++) {
      const longer = new Uint8Array(message.length + extra);
      longer.set(message);
      longer[message.length] = FrameType.frame;
      expect(codeOf(() => readMessage(longer))).toBe("frame_truncated");
    }
  });

  test("F3 every value of every byte of a header is read to the letter or refused", () => {
    const frames = [
      frame({ flags: Flag.init, sequence: 5, timestamp: 6, payload: Uint8Array.of(1, 2, 3) }),
      frame({ flags: Flag.key, track: 2, sequence: MAX_SEQUENCE, timestamp: MAX_SAFE }),
      frame({ type: FrameType.init, payload: new Uint8Array(HEADER_BYTES) }),
    ];
    const message = encodeMessage(frames);
    for (const start of [0, ...ends(frames).slice(0, -1)]) {
      for (let offset = start; offset < start + HEADER_BYTES; offset++) {
        for (let value = 0; value < 256; value++) {
          const changed = message.slice();
          changed[offset] = value;
          if (violation(() => readMessage(changed)) === undefined) {
            expect(Buffer.compare(again(changed), changed)).toBe(0);
          }
        }
      }
    }
  });

  const code = (offset: number, value: number) =>
    codeOf(() => {
      const message = encodeMessage([frame({ payload: Uint8Array.of(7) })]);
      message[offset] = value;
      readMessage(message);
    });
  const values = Array.from({ length: 256 }, (_, value) => value);

  test.each([
    ["type", 0, "frame_bad_type", [1, 2]],
    ["flags", 1, "frame_bad_flags", values.slice(0, 16)],
    ["track", 2, "frame_bad_track", values.slice(0, 16)],
    ["byte 3", 3, "frame_bad_reserved", [0]],
    ["the sequence's first byte", 8, "frame_bad_number", [0]],
    ["the sequence's second byte", 9, "frame_bad_number", values.slice(0, 32)],
    ["the timestamp's first byte", 16, "frame_bad_number", [0]],
    ["the timestamp's second byte", 17, "frame_bad_number", values.slice(0, 32)],
  ])("F3 %s has its values, and every other one is refused", (_, offset, error, legal) => {
    expect(values.map((value) => code(offset, value))).toEqual(
      values.map((value) => (legal.includes(value) ? undefined : error)),
    );
  });

  test("F3 random bytes are read to the letter or refused", () => {
    const byte = fc.oneof({ weight: 6, arbitrary: fc.constantFrom(0, 1, 2) }, { weight: 1, arbitrary: fc.nat(255) });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 100 }), fc.array(byte, { maxLength: 100 })), (bytes) => {
        const message = Uint8Array.from(bytes);
        if (violation(() => readMessage(message)) === undefined) {
          expect(Buffer.compare(again(message), message)).toBe(0);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe("limits", () => {
  test("F4 a payload over the limit is refused before anything is read of it", () => {
    expect(codeOf(() => readMessage(promise(MAX_PAYLOAD_BYTES + 1)))).toBe("payload_too_large");
    expect(codeOf(() => readMessage(promise(0xffff_ffff)))).toBe("payload_too_large");
    expect(codeOf(() => readMessage(promise(MAX_PAYLOAD_BYTES)))).toBe("frame_truncated");
  });

  test.each([
    ["with flag init", { flags: Flag.init }],
    ["with flag init among others", { flags: Flag.init | Flag.key | Flag.end }],
    ["of type 2", { type: FrameType.init }],
  ])("F4 a frame %s has the smaller limit of an init", (_, fields) => {
    expect(codeOf(() => readMessage(promise(MAX_INIT_BYTES + 1, fields)))).toBe("init_too_large");
    expect(codeOf(() => readMessage(promise(MAX_INIT_BYTES, fields)))).toBe("frame_truncated");
    expect(framesOf(encodeMessage([frame({ ...fields, payload: new Uint8Array(MAX_INIT_BYTES) })]))).toHaveLength(1);
  });

  test("F4 other frames do not have the limit of an init", () => {
    const flags = Flag.key | Flag.discontinuity | Flag.end;
    expect(framesOf(encodeMessage([frame({ flags, payload: new Uint8Array(MAX_INIT_BYTES + 1) })]))).toHaveLength(1);
  });

  test("F4 the largest message is read, one byte more is refused", () => {
    const largest = frame({ payload: new Uint8Array(MAX_PAYLOAD_BYTES) });
    const left = MAX_MESSAGE_BYTES - MAX_PAYLOAD_BYTES - 2 * HEADER_BYTES;
    const rest = (bytes: number) => encodeMessage([largest, frame({ payload: new Uint8Array(bytes) })]);
    expect(readMessage(rest(left)).map(({ start, end }) => end - start)).toEqual([MAX_PAYLOAD_BYTES, left]);
    expect(codeOf(() => readMessage(rest(left + 1)))).toBe("message_too_large");
  });

  test("F4 the most frames are read, one more is refused", () => {
    const frames = (count: number) => encodeMessage(Array.from({ length: count }, () => frame()));
    expect(readMessage(frames(MAX_MESSAGE_FRAMES))).toHaveLength(MAX_MESSAGE_FRAMES);
    expect(codeOf(() => readMessage(frames(MAX_MESSAGE_FRAMES + 1)))).toBe("message_too_large");
  });

  test.each([-1, 0.5, MAX_SAFE + 1, Number.NaN, Number.POSITIVE_INFINITY])(
    "%d is not written as a number",
    (number) => {
      expect(() => encodeMessage([frame({ sequence: number })])).toThrow(RangeError);
      expect(() => encodeMessage([frame({ timestamp: number })])).toThrow(RangeError);
    },
  );

  test("F3 the highest sequence is written, the one above it is not", () => {
    expect(readMessage(encodeMessage([frame({ sequence: MAX_SEQUENCE })]))[0]?.sequence).toBe(MAX_SEQUENCE);
    expect(() => encodeMessage([frame({ sequence: MAX_SEQUENCE + 1 })])).toThrow(RangeError);
  });

  test("a payload over the limit is not written", () => {
    expect(() => encodeMessage([frame({ payload: new Uint8Array(MAX_PAYLOAD_BYTES + 1) })])).toThrow(RangeError);
  });
});
