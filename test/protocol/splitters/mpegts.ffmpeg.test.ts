// The mpegts splitter on ffmpeg's real output.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Flag } from "../../../protocol/frame.ts";
import { MPEGTS_MAX_FRAME_BYTES, MPEGTS_MAX_HELD_BYTES, mpegtsSplitter } from "../../../protocol/splitters/mpegts.ts";
import { countKeyPackets, decode, encode, PICTURE, TONE } from "./support/ffmpeg.ts";
import { chunkSizes, expectSameBytes, indexesOf, joinedAt, marks, split, withFlag } from "./support/splitting.ts";

const GOP = ["-t", "2.96", "-g", "25", "-pix_fmt", "yuv420p", "-f", "mpegts"];
const X264 = ["-c:v", "libx264", "-preset", "ultrafast", "-x264-params", "scenecut=0"];

const VIDEO_STREAMS = {
  "H.264 and AAC": () => encode(...PICTURE, ...TONE, ...X264, "-c:a", "aac", ...GOP),
  HEVC: () =>
    encode(
      ...PICTURE,
      "-c:v",
      "libx265",
      "-preset",
      "ultrafast",
      "-x265-params",
      "log-level=none:keyint=25:min-keyint=25:scenecut=0",
      ...GOP,
    ),
  "MPEG-1": () => encode(...PICTURE, "-c:v", "mpeg1video", "-bf", "2", ...GOP),
  "MPEG-2": () => encode(...PICTURE, "-c:v", "mpeg2video", "-bf", "2", ...GOP),
};

for (const [name, make] of Object.entries(VIDEO_STREAMS)) {
  describe(name, () => {
    const bytes = make();
    const frames = split(mpegtsSplitter(), bytes, [64 * 1024]);

    test("the payloads are the stream, in whole packets", () => {
      expectSameBytes(frames, bytes);
      expect(frames.every(({ payload }) => payload.length % 188 === 0 && payload[0] === 0x47)).toBe(true);
    });

    test("there are as many groups as ffmpeg sees key packets", () => {
      expect(withFlag(frames, Flag.key)).toHaveLength(countKeyPackets(bytes, "mpegts"));
      expect(withFlag(frames, Flag.key).length).toBeGreaterThanOrEqual(3);
    });

    test("an init is a PAT and a PMT, and the stream never breaks", () => {
      const inits = withFlag(frames, Flag.init);
      expect(inits.length).toBeGreaterThanOrEqual(3);
      for (const { payload } of inits) {
        expect(payload).toHaveLength(2 * 188);
        expect(payload[2]).toBe(0);
      }
      expect(withFlag(frames, Flag.discontinuity)).toEqual([]);
    });

    test("a viewer that starts at a group decodes it without an error", () => {
      for (const index of indexesOf(frames, Flag.key)) {
        const { frames: decoded, errors } = decode(joinedAt(frames, index), "mpegts");
        expect(errors).toBe("");
        expect(decoded).toBeGreaterThan(20);
      }
    });

    test("groups and inits do not depend on how the stream is cut", () => {
      const law = fc.property(chunkSizes(3000), (sizes) => {
        const other = split(mpegtsSplitter(), bytes, sizes, MPEGTS_MAX_HELD_BYTES);
        expectSameBytes(other, bytes);
        expect(marks(other)).toEqual(marks(frames));
      });
      fc.assert(law, { numRuns: 15, examples: [[[187]], [[189]], [[188]], [[64 * 1024]], [[bytes.length]]] });
    });
  });
}

describe("H.264 and AAC, in detail", () => {
  const bytes = VIDEO_STREAMS["H.264 and AAC"]();

  test("single bytes give the same groups and inits", () => {
    const start = bytes.subarray(0, 60_000);
    const single = split(mpegtsSplitter(), start, [1], MPEGTS_MAX_HELD_BYTES);
    expectSameBytes(single, start);
    expect(marks(single)).toEqual(marks(split(mpegtsSplitter(), start, [start.length])));
  });

  test("a viewer that starts at a group decodes every picture from there on", () => {
    const frames = split(mpegtsSplitter(), bytes, [1316]);
    const keys = indexesOf(frames, Flag.key);
    const decoded = keys.map((index) => decode(joinedAt(frames, index), "mpegts").frames);
    expect(decoded).toEqual([74, 49, 24]);
  });

  test("one push gives no more frames than groups, inits and the largest frame ask for", () => {
    const frames = split(mpegtsSplitter(), bytes, [bytes.length]);
    const flagged = marks(frames).length;
    expect(frames.length).toBeLessThanOrEqual(2 * flagged + 1 + bytes.length / MPEGTS_MAX_FRAME_BYTES);
  });
});

test("a programme without video begins a group every 500 ms of audio that decodes without an error", () => {
  const bytes = encode(...TONE, "-t", "4", "-c:a", "aac", "-pes_payload_size", "0", "-f", "mpegts");
  const frames = split(mpegtsSplitter(), bytes, [1316]);
  const keys = indexesOf(frames, Flag.key);
  expect(keys.length).toBeGreaterThanOrEqual(7);
  expect(keys.length).toBeLessThanOrEqual(8);
  for (const index of keys) {
    expect(decode(joinedAt(frames, index), "mpegts", "a").errors).toBe("");
  }
});

test.each([
  ["H.264 and AAC", 'video/mp2t;codecs="avc1,mp4a.40.2"'],
  ["HEVC", 'video/mp2t;codecs="hvc1"'],
  ["MPEG-2", "video/mp2t"],
] as const)("T21 the format names the codecs of the tables: %s", (name, format) => {
  const splitter = mpegtsSplitter();
  expect(splitter.format).toBe("video/mp2t");
  splitter.push(VIDEO_STREAMS[name]());
  expect(splitter.format).toBe(format);
});
