// Valid names of rooms and tracks, and valid formats.
import { expect, test } from "vitest";
import { DEFAULT_TRACK, isFormat, isRoomId, isTrackName } from "../../protocol/names.ts";

const characters = Array.from({ length: 0x180 }, (_, code) => String.fromCharCode(code));
const legal = (is: (text: string) => boolean, before: string) => characters.filter((one) => is(before + one)).join("");
const ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

test("a room id begins with a letter or digit, and continues with those, - and _", () => {
  expect(legal(isRoomId, "")).toBe(ALPHANUMERIC);
  expect([...legal(isRoomId, "a")].sort().join("")).toBe([..."-_", ...ALPHANUMERIC].sort().join(""));
});

test("a track name may have dots too, but not in front", () => {
  expect(legal(isTrackName, "")).toBe(ALPHANUMERIC);
  expect([...legal(isTrackName, "a")].sort().join("")).toBe([..."-._", ...ALPHANUMERIC].sort().join(""));
  expect(isTrackName(DEFAULT_TRACK)).toBe(true);
});

test.each([
  ["a room id", isRoomId],
  ["a track name", isTrackName],
])("%s has 1 to 64 characters, on one line", (_, is) => {
  expect(["", "a", "a".repeat(64), "a".repeat(65)].map(is)).toEqual([false, true, true, false]);
  expect(["a\n", "\na", "a\nb", "a b", "a/b", "../a", "a%2f", "*", "🎥"].map(is)).not.toContain(true);
});

test("a format has 1 to 128 characters of printable ASCII, and none around it", () => {
  const printable = Array.from({ length: 0x7f - 0x20 }, (_, index) => String.fromCharCode(0x20 + index)).join("");
  expect(characters.filter((one) => isFormat(`a${one}b`)).join("")).toBe(printable);
  expect(["", "a", "a".repeat(128), "a".repeat(129)].map(isFormat)).toEqual([false, true, true, false]);
  expect([" ", " a", "a ", "a\n", "\na"].map(isFormat)).not.toContain(true);
});
