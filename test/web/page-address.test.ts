// Rooms' addresses and the token in the fragment.
import { expect, test } from "vitest";
import { embedOfPath, roomOfPath, tokenOfFragment, tokenOfPaste } from "../../web/page-address.ts";

test("the room is in the path", () => {
  expect(roomOfPath("/rooms/demo")).toBe("demo");
  expect(roomOfPath("/rooms/demo/")).toBe("demo");
  for (const path of ["/", "/rooms/", "/rooms/a/b", "/rooms/-a", "/rooms/%2e%2e", `/rooms/${"a".repeat(65)}`]) {
    expect(roomOfPath(path)).toBeUndefined();
  }
});

test("the room of an embedding is in the path too", () => {
  expect(embedOfPath("/rooms/demo/embed")).toBe("demo");
  for (const path of ["/rooms/demo", "/rooms/embed", "/embed", "/rooms/a/b/embed"])
    expect(embedOfPath(path)).toBeUndefined();
});

test("the token is in the fragment", () => {
  expect(tokenOfFragment("#token=a.b.c")).toBe("a.b.c");
  expect(tokenOfFragment("#token=")).toBeUndefined();
  expect(tokenOfFragment("")).toBeUndefined();
});

test("a pasted token or viewers' link is taken, other text is not", () => {
  expect(tokenOfPaste(" a.b-c_d \n")).toBe("a.b-c_d");
  expect(tokenOfPaste("https://host/rooms/demo#token=a.b.c")).toBe("a.b.c");
  for (const text of ["", "https://host/rooms/demo", "two words", "#"]) expect(tokenOfPaste(text)).toBeUndefined();
});
