// The hex view.
import { expect, test } from "vitest";
import { HEX_BYTES, hexView } from "../../../web/players/hex.ts";

test("a line has the offset, sixteen bytes and their ASCII", () => {
  const line = hexView(new TextEncoder().encode("Roomcast is live"));
  expect(line).toBe("0000  52 6f 6f 6d 63 61 73 74  20 69 73 20 6c 69 76 65  Roomcast is live");
});

test("a short line keeps its columns, and dots replace unprintable bytes", () => {
  const lines = hexView(Uint8Array.of(...new Uint8Array(16), 0x41, 0x00, 0xff)).split("\n");
  expect(lines[1]).toBe(`0010  41 00 ff${" ".repeat(42)}A..`);
  expect(lines[0]?.indexOf("................")).toBe(lines[1]?.indexOf("A.."));
});

test("no more than the limit is shown", () => {
  expect(hexView(new Uint8Array(10_000)).split("\n")).toHaveLength(HEX_BYTES / 16);
  expect(hexView(new Uint8Array(0))).toBe("");
});
