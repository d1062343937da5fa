// The mjpeg splitter on ffmpeg's pictures, on handmade pictures and on damage.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Flag } from "../../../protocol/frame.ts";
import { MAX_PAYLOAD_BYTES } from "../../../protocol/limits.ts";
import { mjpegSplitter } from "../../../protocol/splitters/mjpeg.ts";
import { countKeyPackets, decode, encode, PICTURE } from "./support/ffmpeg.ts";
import { chunkSizes, expectSameBytes, joinedAt, marks, split, withFlag } from "./support/splitting.ts";

const CLIP = ["-t", "1", "-pix_fmt", "yuvj420p"];
const STREAMS = {
  "-f mjpeg": () => encode(...PICTURE, ...CLIP, "-f", "mjpeg"),
  "-f image2pipe": () => encode(...PICTURE, ...CLIP, "-c:v", "mjpeg", "-f", "image2pipe"),
};

for (const [name, make] of Object.entries(STREAMS)) {
  describe(`ffmpeg ${name}`, () => {
    const bytes = make();
    const frames = split(mjpegSplitter(), bytes, [64 * 1024]);

    test("every picture that ffmpeg sees is a frame and a group", () => {
      expectSameBytes(frames, bytes);
      expect(frames.map(({ flags }) => flags)).toEqual(Array(25).fill(Flag.key));
      expect(countKeyPackets(bytes, "mjpeg")).toBe(25);
    });

    test("a viewer that starts at a picture decodes everything from there on without an error", () => {
      for (const index of [0, 7, 24]) {
        expect(decode(joinedAt(frames, index), "mjpeg")).toEqual({ frames: 25 - index, errors: "" });
      }
    });

    test("the frames do not depend on how the stream is cut", () => {
      const law = fc.property(chunkSizes(3000), (sizes) => {
        const other = split(mjpegSplitter(), bytes, sizes, MAX_PAYLOAD_BYTES);
        expectSameBytes(other, bytes);
        expect(marks(other)).toEqual(marks(frames));
      });
      fc.assert(law, { numRuns: 15, examples: [[[1]], [[2]], [[bytes.length]]] });
    });
  });
}

test("parts of ffmpeg's -f mpjpeg are pictures, and the bytes between them make each a discontinuity", () => {
  const bytes = encode(...PICTURE, "-t", "0.4", "-pix_fmt", "yuvj420p", "-f", "mpjpeg");
  const frames = split(mjpegSplitter(), bytes, [777]);
  expectSameBytes(frames, bytes);
  expect(withFlag(frames, Flag.key)).toHaveLength(10);
  expect(withFlag(frames, Flag.discontinuity)).toHaveLength(10);
});

describe("pictures made by hand", () => {
  const scan = [0xff, 0xda, 0, 3, 9, 1, 2, 0xff, 0, 3, 0xff, 0xd0, 4];
  const plain = [0xff, 0xd8, ...scan, 0xff, 0xd9];
  const thumbnail = [0xff, 0xd8, 0xff, 0xe1, 0, 2 + plain.length, ...plain, ...scan, 0xff, 0xd9];
  const progressive = [
    0xff,
    0xd8,
    0xff,
    0x01,
    0xff,
    0xff,
    0xdb,
    0,
    2,
    ...scan,
    0xff,
    0xc4,
    0,
    3,
    7,
    ...scan,
    0xff,
    0xff,
    0xd9,
  ];

  /** Frames as size and flags; flagged ones checked to be the same for two ways to cut the stream. */
  function framesOf(...pictures: number[][]): [number, number][] {
    const bytes = Uint8Array.from(pictures.flat());
    const frames = split(mjpegSplitter(), bytes, [bytes.length]);
    const other = split(mjpegSplitter(), bytes, [1]);
    expectSameBytes(frames, bytes);
    expectSameBytes(other, bytes);
    expect(marks(other)).toEqual(marks(frames));
    return frames.map(({ payload, flags }) => [payload.length, flags]);
  }

  const DISCONTINUED = Flag.key | Flag.discontinuity;

  test("thumbnails, restarts, stuffed bytes, fill bytes and several scans are parts of a picture", () => {
    expect(framesOf(thumbnail, plain, progressive)).toEqual([
      [thumbnail.length, Flag.key],
      [plain.length, Flag.key],
      [progressive.length, Flag.key],
    ]);
  });

  test("garbage is a frame of its own and makes the next picture a discontinuity", () => {
    expect(framesOf([1, 0xff, 2, 0xff], plain, plain, [0xff, 0xff], plain)).toEqual([
      [4, 0],
      [plain.length, DISCONTINUED],
      [plain.length, Flag.key],
      [2, 0],
      [plain.length, DISCONTINUED],
    ]);
  });

  test("a picture that the next one cuts off is garbage", () => {
    expect(framesOf(plain.slice(0, 8), plain)).toEqual([
      [8, 0],
      [plain.length, DISCONTINUED],
    ]);
  });

  test("a malformed picture is garbage", () => {
    const malformed = [
      [0xff, 0xd8, 5],
      [0xff, 0xd8, 0xff, 0],
      [0xff, 0xd8, 0xff, 0xe0, 0, 1],
    ];
    for (const bytes of malformed) expect(framesOf(bytes, plain).at(-1)).toEqual([plain.length, DISCONTINUED]);
  });

  test("a picture that the end cuts off is a frame without flags", () => {
    expect(framesOf(plain, plain.slice(0, -1))).toEqual([
      [plain.length, Flag.key],
      [plain.length - 1, 0],
    ]);
  });

  test("a picture above the largest payload is refused, one of exactly that size is not", () => {
    const picture = (size: number) => {
      const bytes = new Uint8Array(size);
      bytes.set([0xff, 0xd8, ...scan]);
      bytes.set([0xff, 0xd9], size - 2);
      return bytes;
    };
    expect(split(mjpegSplitter(), picture(MAX_PAYLOAD_BYTES), [100_000])).toHaveLength(1);
    for (const sizes of [[100_000], [MAX_PAYLOAD_BYTES + 1]]) {
      expect(() => split(mjpegSplitter(), picture(MAX_PAYLOAD_BYTES + 1), sizes)).toThrow(
        expect.objectContaining({ name: "ProtocolError", code: "record_too_large" }),
      );
    }
  });
});
