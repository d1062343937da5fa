// The muxer on units from ffmpeg, read back by ffmpeg and by the bridge's splitter.
import { describe, expect, test } from "vitest";
import { Flag } from "../../../protocol/frame.ts";
import type { SplitFrame } from "../../../protocol/splitter.ts";
import { mpegtsSplitter } from "../../../protocol/splitters/mpegts.ts";
import { MpegtsMuxer } from "../../../web/share/mpegts-muxer.ts";
import { countKeyPackets, decode, encode, PICTURE, TONE } from "../../protocol/splitters/support/ffmpeg.ts";
import { join, marks, split } from "../../protocol/splitters/support/splitting.ts";

const SECONDS = 4;
const PICTURE_US = 40_000;
const OPUS_BYTES = 240;

/**
 * The access units of an H.264 stream whose units begin with a delimiter, without the delimiter, like those of
 * browsers' encoders.
 */
function pictures(...more: string[]): Uint8Array[] {
  const coded = ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-pix_fmt", "yuv420p", "-g", "25"];
  const units = ["-x264-params", "aud=1:scenecut=0", "-t", `${SECONDS}`, "-f", "h264"];
  return cutAt(encode(...PICTURE, ...coded, ...more, ...units), [0, 0, 0, 1, 9]).map((unit) => unit.subarray(6));
}

function adtsFrames(): Uint8Array[] {
  const bytes = encode(...TONE, "-c:a", "aac", "-t", `${SECONDS}`, "-f", "adts");
  const frames: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const size = (((bytes[at + 3] ?? 0) & 3) << 11) | ((bytes[at + 4] ?? 0) << 3) | ((bytes[at + 5] ?? 0) >> 5);
    frames.push(bytes.subarray(at, at + size));
    at += size;
  }
  return frames;
}

/** Packets of a constant size, 20 ms each. */
function opusPackets(): Uint8Array[] {
  const coded = ["-map", "0:a", "-c:a", "libopus", "-vbr", "off", "-b:a", "96k", "-frame_duration", "20", "-ac", "2"];
  const bytes = encode(...TONE, ...coded, "-t", `${SECONDS}`, "-f", "data");
  return Array.from({ length: bytes.length / OPUS_BYTES }, (_, index) =>
    bytes.subarray(index * OPUS_BYTES, (index + 1) * OPUS_BYTES),
  );
}

function cutAt(bytes: Uint8Array, mark: readonly number[]): Uint8Array[] {
  const starts: number[] = [];
  for (let at = bytes.indexOf(0); at >= 0 && at < bytes.length; at = bytes.indexOf(0, at + 1))
    if (mark.every((byte, index) => bytes[at + index] === byte)) starts.push(at);
  return starts.map((start, index) => bytes.subarray(start, starts[index + 1]));
}

const isKey = (unit: Uint8Array) => cutAt(unit, [0, 0, 0, 1, 0x67]).length > 0;

interface Made {
  readonly frames: SplitFrame[];
  readonly format: string;
}

function mux(sound: "aac" | "opus" | undefined, from = 0, shown = pictures()): Made {
  const muxer = new MpegtsMuxer(sound);
  const heard = sound === "aac" ? adtsFrames() : sound === "opus" ? opusPackets() : [];
  const step = sound === "aac" ? 1_024_000_000 / 48_000 : 20_000;
  const timed = [
    ...shown.map((bytes, index) => ({ bytes, microseconds: from + index * PICTURE_US, isPicture: true })),
    ...heard.map((bytes, index) => ({ bytes, microseconds: from + index * step, isPicture: false })),
  ].sort((one, other) => one.microseconds - other.microseconds);
  const frames = timed.flatMap((unit) => (unit.isPicture ? muxer.picture(unit, isKey(unit.bytes)) : muxer.sound(unit)));
  return { frames, format: muxer.format("avc1") };
}

describe.each([
  ["AAC", "aac", 188],
  ["Opus", "opus", 200],
  ["no sound", undefined, 0],
] as const)("H.264 with %s", (_, sound, pieces) => {
  const made = mux(sound);
  const bytes = join(made.frames);

  test("is decoded by ffmpeg, every picture and every piece of sound, without a complaint", () => {
    expect(decode(bytes, "mpegts")).toEqual({ frames: SECONDS * 25, errors: "" });
    if (pieces > 0) expect(decode(bytes, "mpegts", "a")).toEqual({ frames: expect.closeTo(pieces, -1), errors: "" });
    expect(countKeyPackets(bytes, "mpegts")).toBe(SECONDS);
  });

  test("has the groups, inits and the format that the bridge would find", () => {
    const splitter = mpegtsSplitter();
    expect(marks(split(splitter, bytes, [bytes.length]))).toEqual(marks(made.frames));
    expect(made.frames.filter(({ flags }) => flags === Flag.key)).toHaveLength(SECONDS);
    if (sound !== "opus") expect(splitter.format).toBe(made.format);
  });

  test("is decoded from the start of any group", () => {
    const at = made.frames.findLastIndex(({ flags }) => flags === Flag.init);
    expect(decode(join(made.frames.slice(at)), "mpegts")).toEqual({ frames: 25, errors: "" });
  });
});

test("a unit that has come is out: every call gives all packets of it, whatever its size", () => {
  const muxer = new MpegtsMuxer("aac");
  for (const size of [1, 100, 156, 157, 158, 159, 160, 161, 162, 170, 340, 352, 353, 65_520, 65_530, 200_000]) {
    for (const key of [false, true]) {
      const unit = new Uint8Array(size).fill(0xaa);
      const payload = muxer.picture({ bytes: unit, microseconds: 0 }, key).at(-1)?.payload ?? new Uint8Array(0);
      expect(payload.length % 188).toBe(0);
      expect(payload.reduce((sum, byte) => sum + (byte === 0xaa ? 1 : 0), 0)).toBeGreaterThanOrEqual(size);
    }
  }
});

test("pictures of another size in the same stream are decoded", () => {
  const larger = mux(undefined, 0, [...pictures(), ...pictures("-vf", "scale=640:360")]);
  expect(decode(join(larger.frames), "mpegts")).toEqual({ frames: 2 * SECONDS * 25, errors: "" });
});

test("times continue when their 33 bits overflow", () => {
  const wrap = (2 ** 33 / 90_000) * 1e6;
  const { frames } = mux("aac", wrap - 2e6);
  expect(decode(join(frames), "mpegts")).toEqual({ frames: SECONDS * 25, errors: "" });
});
