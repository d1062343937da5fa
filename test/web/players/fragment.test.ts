// Fragments for media sources: offsets from the file's beginning are removed, and nothing else changes.
import { execFileSync } from "node:child_process";
import ffmpegInstaller from "@ffmpeg-installer/ffmpeg";
import { describe, expect, test } from "vitest";
import { bodiesAt, boxesIn } from "../../../protocol/splitters/fmp4-boxes.ts";
import { withRelativeOffsets } from "../../../web/players/fragment.ts";

function movie(flags: string): Uint8Array {
  const source =
    "-v error -f lavfi -i testsrc=size=64x64:rate=25 -f lavfi -i sine -t 2.5 -c:v libx264 -pix_fmt yuv420p -g 25 -c:a aac";
  return new Uint8Array(
    execFileSync(ffmpegInstaller.path, [...source.split(" "), "-movflags", flags, "-f", "mp4", "pipe:1"]),
  );
}

/** The flags of each `tfhd`. */
const flagsOf = (bytes: Uint8Array) =>
  bodiesAt(bytes, "moof", "traf", "tfhd").map((tfhd) => new DataView(tfhd.buffer, tfhd.byteOffset).getUint32(0));
const outline = (bytes: Uint8Array) => boxesIn(bytes).map(({ type, body }) => [type, body.byteLength]);

describe("a movie with offsets from the file's begin", () => {
  const before = movie("frag_keyframe+empty_moov");
  const after = withRelativeOffsets(before);

  test("has none behind it, and its boxes have the sizes that they had", () => {
    expect(flagsOf(before).every((flags) => (flags & 1) === 1)).toBe(true);
    expect(flagsOf(after).every((flags) => (flags & 1) === 0 && (flags & 0x2_0000) !== 0)).toBe(true);
    expect(outline(after)).toEqual(outline(before));
    expect(bodiesAt(after, "moof", "traf").map((traf) => boxesIn(traf).map(({ type }) => type))).toEqual(
      Array.from({ length: 6 }, () => ["tfhd", "free", "tfdt", "trun"]),
    );
    expect(bodiesAt(after, "moof", "traf", "trun")).toEqual(bodiesAt(before, "moof", "traf", "trun"));
  });

  test("has all of its pictures and its sound", () => {
    const decode = (input: Uint8Array) =>
      String(execFileSync(ffmpegInstaller.path, ["-v", "error", "-i", "pipe:0", "-f", "framemd5", "-"], { input }));
    expect(decode(after)).toBe(decode(before));
  });

  test("is not touched itself", () => {
    expect(after.buffer).not.toBe(before.buffer);
    expect(withRelativeOffsets(after)).toEqual(after);
  });
});

test("bytes without such offsets, or without boxes, stay the same", () => {
  for (const bytes of [
    movie("frag_keyframe+empty_moov+default_base_moof"),
    Uint8Array.of(1, 2, 3),
    new Uint8Array(0),
  ]) {
    expect(withRelativeOffsets(bytes)).toEqual(bytes);
  }
});

test("a fragment that is cut off anywhere breaks nothing", () => {
  const moof = movie("frag_keyframe+empty_moov").slice(0, 3000);
  for (let end = 0; end < moof.length; end += 7) expect(withRelativeOffsets(moof.subarray(0, end))).toHaveLength(end);
});
