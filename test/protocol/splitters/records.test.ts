// The splitters for bytes without media: raw, length32 and lines.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Flag } from "../../../protocol/frame.ts";
import { MAX_PAYLOAD_BYTES } from "../../../protocol/limits.ts";
import { length32Splitter } from "../../../protocol/splitters/length32.ts";
import { linesSplitter, MAX_LINE_BYTES } from "../../../protocol/splitters/lines.ts";
import { RAW_MAX_FRAME_BYTES, rawSplitter } from "../../../protocol/splitters/raw.ts";
import { chunkSizes, expectSameBytes, split } from "./support/splitting.ts";

const TOO_LARGE = expect.objectContaining({ name: "ProtocolError", code: "record_too_large" });
const TRUNCATED = expect.objectContaining({ name: "ProtocolError", code: "stream_truncated" });

describe("raw", () => {
  test("every chunk is at once a frame, in views of at most 64 KiB that are all join points", () => {
    const chunk = new Uint8Array(2 * RAW_MAX_FRAME_BYTES + 1);
    const frames = rawSplitter().push(chunk);
    expect(frames.map(({ payload }) => payload.length)).toEqual([RAW_MAX_FRAME_BYTES, RAW_MAX_FRAME_BYTES, 1]);
    expect(frames.every(({ payload, flags }) => payload.buffer === chunk.buffer && flags === Flag.key)).toBe(true);
    expect(rawSplitter().push(new Uint8Array(0))).toEqual([]);
  });

  test("any bytes in any chunks come out as they went in, none held back", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), chunkSizes(300), (bytes, sizes) => {
        expectSameBytes(split(rawSplitter(), bytes, sizes, 0), bytes);
      }),
      { numRuns: 100 },
    );
  });
});

describe("length32", () => {
  const record = (payload: Uint8Array) => Buffer.concat([lengthOf(payload.length), payload]);

  test("any records in any chunks come out as they went in, empty ones too", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 })), chunkSizes(400), (records, sizes) => {
        const frames = split(length32Splitter(), new Uint8Array(Buffer.concat(records.map(record))), sizes);
        expect(frames.map(({ payload }) => [...payload])).toEqual(records.map((bytes) => [...bytes]));
        expect(frames.every(({ flags }) => flags === Flag.key)).toBe(true);
      }),
      { numRuns: 100 },
    );
  });

  test("the largest record passes in chunks of any size in linear time, as a view if it is in one piece", () => {
    const bytes = new Uint8Array(record(new Uint8Array(MAX_PAYLOAD_BYTES).fill(3)));
    expect(split(length32Splitter(), bytes, [7])[0]?.payload).toHaveLength(MAX_PAYLOAD_BYTES);
    expect(length32Splitter().push(bytes)[0]?.payload.buffer).toBe(bytes.buffer);
  });

  test("parts of a record that lie apart in one buffer are joined", () => {
    const buffer = Uint8Array.from([0, 0, 0, 3, 1, 2, 99, 3]);
    const splitter = length32Splitter();
    expect(splitter.push(buffer.subarray(0, 6))).toEqual([]);
    expect(splitter.push(buffer.subarray(7))).toEqual([{ payload: Uint8Array.from([1, 2, 3]), flags: Flag.key }]);
  });

  test("a record above the largest payload is refused as soon as its length is known", () => {
    expect(() => length32Splitter().push(lengthOf(MAX_PAYLOAD_BYTES + 1))).toThrow(TOO_LARGE);
    expect(() => length32Splitter().push(lengthOf(2 ** 32 - 1))).toThrow(TOO_LARGE);
  });

  test("an end inside of a record is an error", () => {
    for (const bytes of [[0], [0, 0, 0, 1], [0, 0, 0, 2, 9]]) {
      expect(() => split(length32Splitter(), Uint8Array.from(bytes), [1])).toThrow(TRUNCATED);
    }
    expect(split(length32Splitter(), Uint8Array.from([0, 0, 0, 0]), [1])).toHaveLength(1);
  });
});

describe("lines", () => {
  test("any lines in any chunks come out as they went in", () => {
    const line = fc.uint8Array({ maxLength: 50 }).map((bytes) => bytes.filter((byte) => byte !== 10));
    fc.assert(
      fc.property(fc.array(line), chunkSizes(100), (lines, sizes) => {
        const bytes = new Uint8Array(Buffer.concat(lines.map((text) => Buffer.from([...text, 10]))));
        const frames = split(linesSplitter(), bytes, sizes, 50);
        expect(frames.map(({ payload }) => [...payload])).toEqual(lines.map((text) => [...text]));
      }),
      { numRuns: 100 },
    );
  });

  test("bytes are not changed: a carriage return stays, an empty line counts, a last line needs no newline", () => {
    const frames = split(linesSplitter(), new Uint8Array(Buffer.from("a\r\n\nb\nc")), [2]);
    expect(frames.map(({ payload }) => Buffer.from(payload).toString())).toEqual(["a\r", "", "b", "c"]);
    expect(split(linesSplitter(), new Uint8Array(Buffer.from("a\n")), [9])).toHaveLength(1);
  });

  test("the longest line passes, a longer one is refused whether or not it ends", () => {
    const bytes = new Uint8Array(MAX_LINE_BYTES + 2).fill(65);
    expect(split(linesSplitter(), bytes.with(MAX_LINE_BYTES, 10), [50_000])[0]?.payload).toHaveLength(MAX_LINE_BYTES);
    expect(() => split(linesSplitter(), bytes.with(MAX_LINE_BYTES + 1, 10), [bytes.length])).toThrow(TOO_LARGE);
    expect(() => split(linesSplitter(), bytes, [50_000])).toThrow(TOO_LARGE);
  });
});

function lengthOf(length: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(length);
  return bytes;
}
