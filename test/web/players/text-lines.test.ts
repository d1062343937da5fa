// Lines from frames.
import { describe, expect, test } from "vitest";
import { MAX_LINE_CHARS, TextLines } from "../../../web/players/text-lines.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const all = (...parts: (string | Uint8Array)[]) => {
  const lines = new TextLines();
  return parts.flatMap((part) => lines.take(typeof part === "string" ? bytes(part) : part));
};

describe("a frame is a line", () => {
  test("without newlines each frame is one, empty ones too", () => {
    expect(all("one", "", "two\r")).toEqual(["one", "", "two"]);
  });

  test("colours and other escapes are left out, brackets stay", () => {
    const coloured = "\u001b[1;32mok\u001b[0m \u001b]8;;http://x\u0007link\u001b]8;;\u0007 [1m]";
    expect(all(coloured)).toEqual(["ok link [1m]"]);
  });

  test("a long one is cut", () => {
    const [line = ""] = all("x".repeat(MAX_LINE_CHARS + 1));
    expect(line).toBe(`${"x".repeat(MAX_LINE_CHARS)} …`);
    expect(all(new Uint8Array(1024 * 1024).fill(0x61))[0]).toHaveLength(MAX_LINE_CHARS + 2);
  });
});

describe("frames are pieces", () => {
  test("lines continue across frames, and characters do, too", () => {
    const euro = bytes("a€\n");
    expect(all("one\ntw", "o\nth", "ree\n", euro.subarray(0, 2), euro.subarray(2))).toEqual([
      "one",
      "two",
      "three",
      "a€",
    ]);
  });

  test("at a break of the stream, the unfinished part is a line, and nothing is joined to it", () => {
    const lines = new TextLines();
    expect(lines.take(bytes("a\nb"))).toEqual(["a"]);
    expect(lines.breakOff()).toEqual(["b"]);
    expect(lines.take(bytes("c\n"))).toEqual(["c"]);
    expect(lines.breakOff()).toEqual([]);
  });

  test("no more than a line is kept of what never ends", () => {
    const lines = new TextLines();
    lines.take(bytes("a\n"));
    for (let piece = 0; piece < 100; piece++) lines.take(new Uint8Array(MAX_LINE_CHARS).fill(0x61));
    expect(lines.breakOff()[0]?.length).toBeLessThanOrEqual(MAX_LINE_CHARS + 2);
  });
});
