// The auto splitter: the first bytes of each framing, and the moment of the decision.
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Framing } from "../../../protocol/splitter.ts";
import { AUTO_DECIDING_BYTES, autoSplitter } from "../../../protocol/splitters/auto.ts";
import { createSplitter } from "../../../protocol/splitters/index.ts";
import { encode, PICTURE } from "./support/ffmpeg.ts";
import { chunkSizes, expectSameBytes, marks, split } from "./support/splitting.ts";

const CLIP = ["-t", "0.4", "-pix_fmt", "yuv420p"];
const FRAGMENTED = ["-movflags", "frag_keyframe+empty_moov+default_base_moof"];
const STREAMS: [Framing, Uint8Array][] = [
  ["mpegts", encode(...PICTURE, ...CLIP, "-c:v", "mpeg2video", "-f", "mpegts")],
  ["fmp4", encode(...PICTURE, ...CLIP, "-c:v", "libx264", ...FRAGMENTED, "-f", "mp4")],
  ["fmp4", Uint8Array.from(Buffer.from("\0\0\0\x0cstyp\0\0\0\0\0\0\0\x08moof\0\0\0\x08mdat"))],
  ["webm", encode(...PICTURE, ...CLIP, "-c:v", "libvpx", "-f", "webm")],
  ["mjpeg", encode(...PICTURE, "-t", "0.4", "-pix_fmt", "yuvj420p", "-f", "mjpeg")],
];

test.each(STREAMS)("a stream of %s is split as such, in whatever chunks it comes", (framing, bytes) => {
  const expected = marks(split(createSplitter(framing), bytes, [bytes.length]));
  const law = fc.property(chunkSizes(600), (sizes) => {
    const frames = split(autoSplitter(), bytes, sizes);
    expectSameBytes(frames, bytes);
    expect(marks(frames)).toEqual(expected);
  });
  fc.assert(law, { numRuns: 15, examples: [[[1]], [[bytes.length]]] });
});

test("any other bytes are raw, with a bounded number of them held back", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 1000 }), chunkSizes(400), (bytes, sizes) => {
      fc.pre(bytes[0] !== 0xff && bytes[0] !== 0x1a && bytes[0] !== 0x47 && bytes[4] !== 0x66);
      expectSameBytes(split(autoSplitter(), bytes, sizes, 7), bytes);
    }),
    { numRuns: 100 },
  );
});

test("it is settled as soon as the bytes exclude everything else", () => {
  const settlesAfter = (bytes: Uint8Array) => {
    const splitter = autoSplitter();
    return bytes.findIndex((_, at) => splitter.push(bytes.subarray(at, at + 1)).length > 0) + 1;
  };
  const sync = new Uint8Array(AUTO_DECIDING_BYTES).fill(0x47, 0, 1);
  expect(settlesAfter(Buffer.from("hello"))).toBe(1);
  expect(settlesAfter(Uint8Array.from([0xff, 0xd8, 0xfe]))).toBe(3);
  expect(settlesAfter(Buffer.from("\0\0\0\x18free"))).toBe(6);
  expect(settlesAfter(sync)).toBe(189);
  expect(settlesAfter(sync.with(188, 0x47))).toBe(AUTO_DECIDING_BYTES);
});

test("a stream that ends before it is settled is raw", () => {
  for (const text of ["", "G", "\0\0\0\x18ft"]) {
    const bytes = new Uint8Array(Buffer.from(text));
    expectSameBytes(split(autoSplitter(), bytes, [1]), bytes);
  }
});
