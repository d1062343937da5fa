// What the page takes a payload for.
import { expect, test } from "vitest";
import { detectKind } from "../../web/detect.ts";

function packets(count: number): Uint8Array {
  const bytes = new Uint8Array(188 * count);
  for (let at = 0; at < bytes.byteLength; at += 188) bytes[at] = 0x47;
  return bytes;
}

test("sync bytes 188 bytes apart are a transport stream", () => {
  expect(detectKind(packets(1))).toBe("mpegts");
  expect(detectKind(packets(2))).toBe("mpegts");
  expect(detectKind(packets(2).subarray(0, 189))).toBe("mpegts");
});

test("one G is none", () => {
  const oneSync = packets(2);
  oneSync[188] = 0;
  expect(detectKind(oneSync)).toBe("bytes");
  expect(detectKind(new TextEncoder().encode("Good morning"))).toBe("bytes");
});

test("a JPEG is a picture; its first two bytes alone are not", () => {
  expect(detectKind(Uint8Array.of(0xff, 0xd8, 0xff, 0xe0))).toBe("jpeg");
  expect(detectKind(Uint8Array.of(0xff, 0xd8))).toBe("bytes");
});

test("nothing is bytes", () => {
  expect(detectKind(new Uint8Array(0))).toBe("bytes");
});
