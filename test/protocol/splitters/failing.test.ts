// Frames that were cut before a failure are not lost: frames first, then the error.
import { describe, expect, test } from "vitest";
import type { Framing } from "../../../protocol/splitter.ts";
import { createSplitter } from "../../../protocol/splitters/index.ts";
import { MAX_LINE_BYTES } from "../../../protocol/splitters/lines.ts";

const box = (type: string, size: number, bytes = size) => {
  const out = Buffer.alloc(bytes);
  out.writeUInt32BE(size);
  out.write(type, 4, "latin1");
  return out;
};
const PICTURE = Buffer.from([0xff, 0xd8, 0xff, 0xd9]);

/** A valid frame, followed in the same chunk by bytes that the framing forbids. */
const STREAMS: [Framing, Buffer, Buffer][] = [
  ["length32", Buffer.from([0, 0, 0, 1, 65]), Buffer.from([0xff, 0, 0, 0])],
  ["lines", Buffer.from("A\n"), Buffer.alloc(MAX_LINE_BYTES + 1, 66)],
  ["fmp4", box("free", 16), box("ftyp", 0x7fffffff, 8)],
  ["mjpeg", PICTURE, Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xda, 0, 2]), Buffer.alloc(5 << 20)])],
  ["auto", PICTURE, Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xda, 0, 2]), Buffer.alloc(5 << 20)])],
];

describe("a splitter that fails", () => {
  test.each(STREAMS)("T14 %s gives the frames before it, and throws at the next call", (framing, good, bad) => {
    const alone = createSplitter(framing).push(new Uint8Array(good));
    const splitter = createSplitter(framing);
    const frames = splitter.push(new Uint8Array(Buffer.concat([good, bad])));
    expect(frames).toEqual(alone);
    expect(frames).toHaveLength(1);
    expect(splitter.failure).toMatchObject({ name: "ProtocolError", code: "record_too_large" });
    expect(() => splitter.push(new Uint8Array(1))).toThrow(splitter.failure);
    expect(() => splitter.end()).toThrow(splitter.failure);
  });

  test.each(STREAMS)("%s throws at once if there are none", (framing, _good, bad) => {
    const splitter = createSplitter(framing);
    expect(() => splitter.push(new Uint8Array(bad))).toThrow(/./);
    expect(splitter.failure).toBeDefined();
  });

  test("held-back bytes are counted", () => {
    const splitter = createSplitter("length32");
    splitter.push(Uint8Array.from([0, 0, 0, 9, 1, 2]));
    expect(splitter.heldBytes).toBe(2);
    expect(createSplitter("raw").heldBytes).toBe(0);
  });
});
