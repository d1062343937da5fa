// Codecs that ffmpeg does not write here, and malformed headers.
import { describe, expect, test } from "vitest";
import { movieFormat } from "../../../protocol/splitters/fmp4-codecs.ts";

function box(type: string, ...parts: (readonly number[] | Uint8Array)[]): Uint8Array {
  const body = Buffer.concat(parts.map((part) => Uint8Array.from(part)));
  const header = Buffer.alloc(8);
  header.writeUInt32BE(8 + body.length);
  header.write(type, 4, "latin1");
  return Buffer.concat([header, body]);
}

const zeros = (count: number) => new Array<number>(count).fill(0);

/** A track of one sample entry, with one box in it. */
function trak(handler: "vide" | "soun", entry: string, config?: Uint8Array): Uint8Array {
  const fixed = zeros(handler === "vide" ? 78 : 28);
  const stsd = box("stsd", [0, 0, 0, 0, 0, 0, 0, 1], box(entry, fixed, config ?? []));
  const hdlr = box("hdlr", zeros(8), Buffer.from(handler), zeros(12));
  return box("trak", box("mdia", hdlr, box("minf", box("stbl", stsd))));
}

describe("codecs", () => {
  test.each([
    ["vide", "av01", box("av1C", [0x81, 0x04, 0x0c, 0]), "av01.0.04M.08"],
    ["vide", "av01", box("av1C", [0x81, 0x2d, 0xe0, 0]), "av01.1.13H.12"],
    ["vide", "vp09", box("vpcC", [1, 0, 0, 0, 2, 31, 0xa2, 0, 0, 0]), "vp09.02.31.10"],
    ["vide", "hev1", box("hvcC", [1, 0x61, 0xc0, 0, 0, 0, 0xb0, 0, 0, 0, 0, 1, 153]), "hev1.A1.3.H153.B0.0.0.0.0.1"],
    ["soun", "Opus", box("dOps", zeros(11)), "opus"],
    ["soun", "fLaC", undefined, "flac"],
    [
      "soun",
      "mp4a",
      box("esds", zeros(4), [3, 0x80, 0x80, 0x80, 21, 0, 0, 0, 4, 16, 0x40, ...zeros(12), 5, 1, 0x2b]),
      "mp4a.40.5",
    ],
    [
      "soun",
      "mp4a",
      box("esds", zeros(4), [3, 22, 0, 0, 0, 4, 17, 0x40, ...zeros(12), 5, 2, 0xf9, 0x40]),
      "mp4a.40.42",
    ],
  ] as const)("%s %s", (handler, entry, config, codec) => {
    const type = handler === "vide" ? "video/mp4" : "audio/mp4";
    expect(movieFormat(trak(handler, entry, config))).toBe(`${type};codecs="${codec}"`);
  });
});

test("malformed parts count as missing", () => {
  expect(movieFormat(new Uint8Array(0))).toBeUndefined();
  expect(movieFormat(box("trak", zeros(20)))).toBeUndefined();
  expect(movieFormat(trak("soun", "mp4a", box("esds", zeros(6))))).toBe('audio/mp4;codecs="mp4a"');
  const whole = trak("vide", "avc1", box("avcC", [1, 0x64, 0, 0x1f]));
  expect(movieFormat(whole)).toBe('video/mp4;codecs="avc1.64001f"');
  for (let end = 0; end < whole.length; end++) expect(() => movieFormat(whole.subarray(0, end))).not.toThrow();
});

test("more codecs than a format holds are left out", () => {
  const traks = Array.from({ length: 20 }, (_, index) =>
    trak("vide", `av${String(index).padStart(2, "0")}`, box("av1C", zeros(4))),
  );
  expect(movieFormat(Buffer.concat(traks))).toBe("video/mp4");
});
