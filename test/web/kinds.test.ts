// How the page classifies a payload.
import { describe, expect, test } from "vitest";
import { detectKind, kindOfFormat } from "../../web/kinds.ts";

function packets(count: number): Uint8Array {
  const bytes = new Uint8Array(188 * count);
  for (let at = 0; at < bytes.byteLength; at += 188) bytes[at] = 0x47;
  return bytes;
}

const text = (content: string) => new TextEncoder().encode(content);

describe("the format", () => {
  test.each([
    ["video/mp2t", "mpegts"],
    ['Video/MP2T;codecs="avc1"', "mpegts"],
    ['video/mp4; codecs="avc1.4d401f, mp4a.40.2"', "mse"],
    ["audio/webm;codecs=opus", "mse"],
    ["image/jpeg", "pictures"],
    ["image/webp", "pictures"],
    ["application/x-ndjson", "json"],
    ["application/geo+json", "json"],
    ["text/plain; charset=utf-8", "lines"],
    ["application/octet-stream", "bytes"],
    ["application/x-anything", undefined],
    ["video", undefined],
  ] as const)("%s is %s", (format, kind) => {
    expect(kindOfFormat(format)).toBe(kind);
  });
});

describe("the bytes", () => {
  test("sync bytes 188 bytes apart are a transport stream", () => {
    expect(detectKind(packets(1))).toBe("mpegts");
    expect(detectKind(packets(2))).toBe("mpegts");
    expect(detectKind(packets(2).subarray(0, 189))).toBe("mpegts");
  });

  test("one G is none", () => {
    const oneSync = packets(2);
    oneSync[188] = 0;
    expect(detectKind(oneSync)).toBe("bytes");
    expect(detectKind(text("Good morning"))).toBe("lines");
  });

  test("a JPEG is a picture; its first two bytes alone are not", () => {
    expect(detectKind(Uint8Array.of(0xff, 0xd8, 0xff, 0xe0))).toBe("pictures");
    expect(detectKind(Uint8Array.of(0xff, 0xd8))).toBe("bytes");
  });

  test("boxes are MP4", () => {
    for (const type of ["ftyp", "moof", "styp"]) expect(detectKind(text(`\0\0\0\x18${type}iso5`))).toBe("mse");
  });

  test("text is text, with colours too, and JSON where its first line or all of it is", () => {
    for (const line of ["a", "\u001b[31mred\u001b[0m\ttab", "grün ✓", "{no json", "12"]) {
      expect(detectKind(text(line))).toBe("lines");
    }
    for (const json of ['{"a":1}', "[1]\n", ' {"a":\n1}', '{"a":1}\n{"b":'])
      expect(detectKind(text(json))).toBe("json");
  });

  test("a character that is cut off at the end is text; other bytes, and nothing, are bytes", () => {
    expect(detectKind(text("héé").subarray(0, 4))).toBe("lines");
    expect(detectKind(Uint8Array.of(0x41, 0xff, 0x42))).toBe("bytes");
    expect(detectKind(Uint8Array.of(0x41, 0x00))).toBe("bytes");
    expect(detectKind(new Uint8Array(0))).toBe("bytes");
  });
});
