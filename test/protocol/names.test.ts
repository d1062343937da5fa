// What rooms and tracks may be called.
import { expect, test } from "vitest";
import { DEFAULT_TRACK, isRoomId, isTrackName } from "../../protocol/names.ts";

const characters = Array.from({ length: 0x180 }, (_, code) => String.fromCharCode(code));
const legal = (is: (text: string) => boolean, before: string) => characters.filter((one) => is(before + one)).join("");
const ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

test("a room id begins with a letter or digit, and goes on with those, - and _", () => {
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
