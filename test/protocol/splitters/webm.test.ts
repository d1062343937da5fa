// The webm splitter on ffmpeg's real output, and on handmade elements.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Flag } from "../../../protocol/frame.ts";
import { MAX_INIT_BYTES, MAX_PAYLOAD_BYTES } from "../../../protocol/limits.ts";
import { webmSplitter } from "../../../protocol/splitters/webm.ts";
import { countKeyPackets, decode, encode, PICTURE, TONE } from "./support/ffmpeg.ts";
import { chunkSizes, expectSameBytes, indexesOf, joinedAt, marks, split, withFlag } from "./support/splitting.ts";

const CLIP = ["-t", "3", "-g", "25", "-deadline", "realtime", "-cpu-used", "8"];
const VP8 = ["-c:v", "libvpx"];
const OPUS = ["-c:a", "libopus"];

const STREAMS: readonly (readonly [string, string, () => Uint8Array])[] = [
  [
    "VP8 and Opus",
    'video/webm;codecs="vp8,opus"',
    () => encode(...PICTURE, ...TONE, ...VP8, ...OPUS, ...CLIP, "-f", "webm"),
  ],
  [
    "VP9, live",
    'video/webm;codecs="vp9"',
    () => encode(...PICTURE, "-c:v", "libvpx-vp9", ...CLIP, "-live", "1", "-f", "webm"),
  ],
  [
    "H.264",
    'video/webm;codecs="avc1"',
    () =>
      encode(
        ...PICTURE,
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-pix_fmt",
        "yuv420p",
        "-g",
        "25",
        "-t",
        "3",
        "-f",
        "matroska",
      ),
  ],
];

describe.each(STREAMS)("T22 %s", (_, format, make) => {
  const bytes = make();
  const splitter = webmSplitter();
  const frames = split(splitter, bytes, [4096]);

  test("T6 T22 the payloads are the stream; there is one init, and the format of its tracks", () => {
    expectSameBytes(frames, bytes);
    expect(withFlag(frames, Flag.init)).toEqual([frames[0]]);
    expect(splitter.format).toBe(format);
  });

  test("T22 there are as many groups as ffmpeg sees key packets, and each can be decoded from its start", () => {
    expect(withFlag(frames, Flag.key)).toHaveLength(countKeyPackets(bytes, "matroska"));
    for (const index of indexesOf(frames, Flag.key)) {
      const { frames: decoded, errors } = decode(joinedAt(frames, index), "matroska");
      expect(errors).toBe("");
      expect(decoded).toBeGreaterThan(20);
    }
  });

  test("T22 a block is out as soon as it is whole: nothing waits for the next one", () => {
    const live = webmSplitter();
    const cut = marksOfEnds(frames);
    let held = 0;
    for (let at = 0; at < bytes.length; at++) {
      live.push(bytes.subarray(at, at + 1));
      if (cut.has(at + 1)) held = Math.max(held, live.heldBytes);
    }
    expect(held).toBe(0);
  });

  test("T22 groups do not depend on how the stream is cut", () => {
    const law = fc.property(chunkSizes(3000), (sizes) => {
      const other = split(webmSplitter(), bytes, sizes);
      expectSameBytes(other, bytes);
      expect(marks(other)).toEqual(marks(frames));
    });
    fc.assert(law, { numRuns: 15, examples: [[[1]], [[13]], [[bytes.length]]] });
  });
});

/** The ends of frames with blocks: after the init, only the next cluster shows the end. */
function marksOfEnds(frames: readonly { payload: Uint8Array; flags: number }[]): Set<number> {
  let at = 0;
  const ends = frames.map(({ payload }) => {
    at += payload.length;
    return at;
  });
  return new Set(ends.slice(1, -1));
}

const HEAD = [0x1a, 0x45, 0xdf, 0xa3, 0x80, 0x18, 0x53, 0x80, 0x67, 0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
const CLUSTER = [0x1f, 0x43, 0xb6, 0x75, 0xff];
const VIDEO_AND_SOUND = [
  0x16,
  0x54,
  0xae,
  0x6b,
  0x90,
  ...[0xae, 0x86, 0xd7, 0x81, 1, 0x83, 0x81, 1],
  ...[0xae, 0x86, 0xd7, 0x81, 2, 0x83, 0x81, 2],
];
const block = (track: number, flags: number) => [0xa3, 0x85, 0x80 | track, 0, 0, flags, 7];
const flagsOf = (...elements: number[][]) =>
  split(webmSplitter(), Uint8Array.from(elements.flat()), [5]).map(({ flags }) => flags);

test("T22 a cluster is a group by its first picture, whatever sound comes before it", () => {
  const [sound, key, other] = [block(2, 0x80), block(1, 0x80), block(1, 0)];
  expect(flagsOf(HEAD, VIDEO_AND_SOUND, CLUSTER, sound, key, other, sound)).toEqual([Flag.init, Flag.key, 0, 0]);
  expect(flagsOf(HEAD, VIDEO_AND_SOUND, CLUSTER, sound, other, key)).toEqual([Flag.init, 0, 0]);
  const group = [0xa0, 0x87, 0xa1, 0x85, 0x81, 0, 0, 0, 7];
  const referring = [0xa0, 0x8a, 0xa1, 0x85, 0x81, 0, 0, 0, 7, 0xfb, 0x81, 0xff];
  expect(flagsOf(HEAD, VIDEO_AND_SOUND, CLUSTER, group, CLUSTER, referring)).toEqual([Flag.init, Flag.key, 0]);
});

test("T22 a header within the stream is another init, with discontinuity", () => {
  const part = [...HEAD, ...VIDEO_AND_SOUND, ...CLUSTER, ...block(1, 0x80)];
  expect(flagsOf(part, part)).toEqual([Flag.init, Flag.key, Flag.init | Flag.discontinuity, Flag.key]);
});

test("T22 malformed or too large elements are refused before they are read", () => {
  const push = (...bytes: number[]) => webmSplitter().push(Uint8Array.from(bytes));
  const size = (bytes: number) => [0x10 | (bytes >>> 24), (bytes >>> 16) & 255, (bytes >>> 8) & 255, bytes & 255];
  const code = (text: string) => expect.objectContaining({ code: text });
  expect(() => push(0)).toThrow(code("frame_truncated"));
  expect(() => push(0xec, 0)).toThrow(code("frame_truncated"));
  expect(() => push(0xec, 0xff)).toThrow(code("frame_truncated"));
  expect(() => push(...HEAD.slice(0, 5), 0xec, ...size(MAX_INIT_BYTES))).toThrow(code("record_too_large"));
  const inCluster = webmSplitter();
  expect(inCluster.push(Uint8Array.of(...CLUSTER, 0xa3, ...size(MAX_PAYLOAD_BYTES)))).toHaveLength(1);
  expect(inCluster.failure).toMatchObject({ code: "record_too_large" });
});
