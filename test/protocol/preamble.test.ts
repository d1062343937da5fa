// The preamble, however it is cut into chunks. Single lines are in the vectors.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MAX_PREAMBLE_BYTES, MAX_TOKEN_CHARS } from "../../protocol/limits.ts";
import { formatPreamble, type Preamble, PreambleReader, parseFraming, parsePreamble } from "../../protocol/preamble.ts";
import { FRAMINGS } from "../../protocol/splitter.ts";
import { codeOf, violation } from "./support/errors.ts";
import { textOf, vectors } from "./support/vectors.ts";

const bytes = (text: string) => new Uint8Array(Buffer.from(text));
const LINE = "ROOMCAST/1 room=demo token=t\n";

/** A reader's result for chunks: the code of its refusal, or the preamble with all bytes after it. */
function outcome(chunks: readonly Uint8Array[]): unknown {
  const reader = new PreambleReader();
  try {
    for (const [index, chunk] of chunks.entries()) {
      const result = reader.push(chunk);
      if (result === undefined) continue;
      const rest = Buffer.concat([result.rest, ...chunks.slice(index + 1)]);
      return { preamble: result.preamble, rest: rest.toString("hex") };
    }
    return "unfinished";
  } catch (error) {
    return violation(() => {
      throw error;
    })?.code;
  }
}

function cut(whole: Uint8Array, at: readonly number[]): Uint8Array[] {
  const ends = [...at.map((end) => end % (whole.length + 1)), whole.length].sort((one, other) => one - other);
  return ends.map((end, index) => whole.slice(ends[index - 1] ?? 0, end));
}

const texts = [...vectors.preambles.valid, ...vectors.preambles.invalid].map((vector): [string, string] => [
  JSON.stringify(vector.line),
  textOf(vector),
]);

describe("chunks", () => {
  test.each<[string, string]>([
    ...texts,
    ["another version that is too long", `ROOMCAST/2 ${"x".repeat(MAX_PREAMBLE_BYTES)}\n`],
    ["another version with a byte that is not ASCII", "ROOMCAST/2 \u0000\n"],
    ["a bad byte behind the limit", `ROOMCAST/1 ${"x".repeat(MAX_PREAMBLE_BYTES)}\u0000`],
    ["a bad byte before the limit", `ROOMCAST/1 \u0000${"x".repeat(MAX_PREAMBLE_BYTES)}`],
  ])("%s means the same wherever it is cut, and byte by byte", (_, text) => {
    const whole = bytes(text);
    const expected = outcome([whole]);
    for (let at = 0; at <= whole.length; at++) expect(outcome(cut(whole, [at]))).toEqual(expected);
    expect(outcome(Array.from(whole, (byte) => Uint8Array.of(byte)))).toEqual(expected);
  });

  test("any bytes mean the same in any chunks", () => {
    const part = fc.constantFrom(
      ...LINE.split(/(?= )/),
      "ROOMCAST/",
      "1 ",
      "room=",
      "\n",
      "\r",
      "é",
      "\u0000",
      " ".repeat(2000),
    );
    const text = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.array(part, { maxLength: 12 }).map((parts) => parts.join("")),
    );
    fc.assert(
      fc.property(text, fc.array(fc.nat(), { maxLength: 8 }), (one, at) => {
        expect(outcome(cut(bytes(one), at))).toEqual(outcome([bytes(one)]));
      }),
      { numRuns: 300 },
    );
  });

  test("the bytes behind the newline are kept, as a view of their chunk", () => {
    const chunk = Buffer.concat([bytes(LINE), Uint8Array.of(0, 10, 255, 13)]);
    const result = new PreambleReader().push(chunk);
    expect([...(result?.rest ?? [])]).toEqual([0, 10, 255, 13]);
    expect(result?.rest.buffer).toBe(chunk.buffer);
    expect(new PreambleReader().push(bytes(LINE))?.rest).toHaveLength(0);
  });

  test("an unfinished line is not a preamble yet", () => {
    expect(outcome([])).toBe("unfinished");
    expect(outcome([new Uint8Array()])).toBe("unfinished");
    for (let at = 0; at < LINE.length; at++) expect(outcome([bytes(LINE.slice(0, at))])).toBe("unfinished");
  });
});

describe("limits", () => {
  /** A valid line of `length` bytes, including its newline. Only its token can make it too long. */
  const line = (length: number) => LINE.replace("=t\n", `=${"t".repeat(length - LINE.length + 1)}\n`);

  test("no more than the limit is taken, whatever comes and however", () => {
    const reader = new PreambleReader();
    for (const byte of line(MAX_PREAMBLE_BYTES).slice(0, -1)) expect(reader.push(bytes(byte))).toBeUndefined();
    expect(codeOf(() => reader.push(bytes("t")))).toBe("preamble_too_long");
    expect(outcome([bytes(line(MAX_PREAMBLE_BYTES))])).toBe("preamble_invalid");
    expect(outcome([bytes(line(MAX_PREAMBLE_BYTES + 1))])).toBe("preamble_too_long");
  });

  test("bytes behind the newline are not counted", () => {
    const { rest } = outcome([Buffer.concat([bytes(LINE), new Uint8Array(3 * MAX_PREAMBLE_BYTES)])]) as {
      rest: string;
    };
    expect(rest).toHaveLength(6 * MAX_PREAMBLE_BYTES);
  });

  test("a token has its own limit, below that of the line", () => {
    const longest = "t".repeat(MAX_TOKEN_CHARS);
    expect(parsePreamble(`ROOMCAST/1 room=demo token=${longest}`).token).toBe(longest);
    expect(codeOf(() => parsePreamble(`ROOMCAST/1 room=demo token=${longest}t`))).toBe("preamble_invalid");
  });

  test.each(["GET / HTTP/1.1", "\u0016\u0003\u0001", "ROOMCAST/2", "G@", "é"])(
    "whoever does not speak Roomcast (%j) is refused without a newline",
    (text) => {
      expect(outcome([bytes(text)])).toMatch(/^preamble_(?:invalid|version)$/);
    },
  );
});

describe("writing", () => {
  test("a written line is read back", () => {
    const word = (maxLength: number) => fc.string({ unit: fc.constantFrom(..."aZ09"), minLength: 1, maxLength });
    const preamble: fc.Arbitrary<Preamble> = fc.record({
      room: word(64),
      token: word(500),
      track: word(64),
      framing: fc.constantFrom(undefined, ...FRAMINGS),
      format: fc.constantFrom(undefined, "text/plain", 'video/mp4;codecs="avc1.4d401f,mp4a.40.2"'),
    });
    fc.assert(
      fc.property(preamble, (one) => {
        expect(outcome([bytes(formatPreamble(one))])).toEqual({ preamble: one, rest: "" });
      }),
    );
  });

  test("every framing has its name, and no other name is one", () => {
    for (const framing of FRAMINGS) expect(parseFraming(framing)).toBe(framing);
    for (const name of ["", "RAW", "raw ", "toString"])
      expect(codeOf(() => parseFraming(name))).toBe("framing_unknown");
  });
});
