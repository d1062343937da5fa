// The fmp4 splitter on ffmpeg's real output.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Flag } from "../../../protocol/frame.ts";
import { MAX_PAYLOAD_BYTES } from "../../../protocol/limits.ts";
import { fmp4Splitter } from "../../../protocol/splitters/fmp4.ts";
import { countKeyPackets, decode, encode, PICTURE, TONE } from "./support/ffmpeg.ts";
import { chunkSizes, expectSameBytes, indexesOf, joinedAt, split, withFlag } from "./support/splitting.ts";

const FRAGMENTED = ["-movflags", "frag_keyframe+empty_moov+default_base_moof", "-f", "mp4"];
const VIDEO = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-pix_fmt", "yuv420p", "-t", "2.96"];

const STREAMS = {
  "a fragment per group": () => encode(...PICTURE, ...VIDEO, ...FRAGMENTED),
  "several fragments per group, with audio": () =>
    encode(...PICTURE, ...TONE, ...VIDEO, "-c:a", "aac", "-frag_duration", "300000", ...FRAGMENTED),
  "DASH fragments with sidx and styp": () =>
    encode(...PICTURE, ...VIDEO, "-movflags", "dash+frag_keyframe+empty_moov+default_base_moof", "-f", "mp4"),
};

for (const [name, make] of Object.entries(STREAMS)) {
  describe(name, () => {
    const bytes = make();
    const frames = split(fmp4Splitter(), bytes, [64 * 1024]);

    test("the first frame is the init, and every fragment is one frame", () => {
      expectSameBytes(frames, bytes);
      expect(indexesOf(frames, Flag.init)).toEqual([0]);
      const fragments = frames.filter(({ payload }) => Buffer.from(payload).includes("moof"));
      expect(fragments.every(({ payload }) => Buffer.from(payload).includes("mdat"))).toBe(true);
      expect(withFlag(fragments, Flag.key)).toHaveLength(withFlag(frames, Flag.key).length);
      expect(withFlag(frames, Flag.discontinuity)).toEqual([]);
    });

    test("there are as many groups as ffmpeg sees key packets", () => {
      expect(withFlag(frames, Flag.key)).toHaveLength(3);
      expect(countKeyPackets(bytes, "mp4")).toBe(3);
    });

    test("a viewer that starts at a group decodes every picture from there on without an error", () => {
      const decoded = indexesOf(frames, Flag.key).map((index) => decode(joinedAt(frames, index), "mp4"));
      expect(decoded).toEqual([74, 49, 24].map((count) => ({ frames: count, errors: "" })));
    });

    test("the frames do not depend on how the stream is cut", () => {
      const law = fc.property(chunkSizes(3000), (sizes) => {
        const other = split(fmp4Splitter(), bytes, sizes, MAX_PAYLOAD_BYTES);
        expectSameBytes(other, bytes);
        expect(other.map(sizeAndFlags)).toEqual(frames.map(sizeAndFlags));
      });
      fc.assert(law, { numRuns: 15, examples: [[[1]], [[bytes.length]]] });
    });
  });
}

test("fragments that do not begin with a sync sample begin no group", () => {
  const frames = split(fmp4Splitter(), STREAMS["several fragments per group, with audio"](), [4096]);
  const fragments = frames.filter(({ payload }) => Buffer.from(payload).includes("moof"));
  expect(fragments.length).toBeGreaterThan(2 * withFlag(frames, Flag.key).length);
});

test("without video, every fragment begins a group", () => {
  const bytes = encode(...TONE, "-t", "2", "-c:a", "aac", "-frag_duration", "500000", ...FRAGMENTED);
  const frames = split(fmp4Splitter(), bytes, [4096]);
  const fragments = frames.filter(({ payload }) => Buffer.from(payload).includes("moof"));
  expect(withFlag(frames, Flag.key)).toEqual(fragments);
  expect(fragments.length).toBeGreaterThanOrEqual(4);
  expect(decode(joinedAt(frames, 3), "mp4", "a").errors).toBe("");
});

test("T21 the format has the codecs that RFC 6381 names, as the movie's header tells them", () => {
  const formatOf = (...args: string[]) => {
    const splitter = fmp4Splitter();
    splitter.push(encode(...args, ...FRAGMENTED));
    return splitter.format;
  };
  const main = ["-c:v", "libx264", "-preset", "veryfast", "-profile:v", "main", "-level", "3.1"];
  const short = ["-pix_fmt", "yuv420p", "-t", "0.2"];
  const hevc = ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none"];
  expect(formatOf(...PICTURE, ...TONE, ...main, "-c:a", "aac", ...short)).toBe(
    'video/mp4;codecs="avc1.4d401f,mp4a.40.2"',
  );
  expect(formatOf(...PICTURE, ...hevc, "-tag:v", "hvc1", ...short)).toBe('video/mp4;codecs="hvc1.1.6.L60.90"');
  expect(formatOf(...TONE, "-c:a", "libmp3lame", "-t", "0.2")).toBe('audio/mp4;codecs="mp4a.6b"');
  expect(formatOf(...TONE, "-c:a", "ac3", "-t", "0.2")).toBe('audio/mp4;codecs="ac-3"');
});

test("a second stream behind the first begins with an init that is a discontinuity", () => {
  const bytes = STREAMS["a fragment per group"]();
  const frames = split(fmp4Splitter(), new Uint8Array(Buffer.concat([bytes, bytes])), [1000]);
  expect(withFlag(frames, Flag.init).map(({ flags }) => flags)).toEqual([Flag.init, Flag.init | Flag.discontinuity]);
  expect(withFlag(frames, Flag.key)).toHaveLength(6);
});

function sizeAndFlags({ payload, flags }: { payload: Uint8Array; flags: number }): [number, number] {
  return [payload.length, flags];
}
