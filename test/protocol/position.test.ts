// Positions and starts. Single texts are in the vectors.
import fc from "fast-check";
import { expect, test } from "vitest";
import { formatPosition, parsePosition, parseStart } from "../../protocol/position.ts";
import { codeOf, violation } from "./support/errors.ts";

const letters = (alphabet: string) => fc.constantFrom(...alphabet);
const epoch = fc.string({ unit: letters("abcxyz0189"), minLength: 1, maxLength: 32 });
const position = fc.record({ epoch, sequence: fc.maxSafeNat() });
const track = fc
  .tuple(
    fc.string({ unit: letters("aZ09"), minLength: 1, maxLength: 1 }),
    fc.string({ unit: letters("aZ09._-"), maxLength: 63 }),
  )
  .map((parts) => parts.join(""));

test("a position that was written is read back, alone and as a start", () => {
  fc.assert(
    fc.property(position, (one) => {
      const text = formatPosition(one);
      expect(parsePosition(text)).toEqual(one);
      expect(parseStart(text)).toEqual({ at: "position", positions: [{ track: null, ...one }] });
    }),
  );
});

test("positions of several tracks are read back in order", () => {
  const several = fc.uniqueArray(fc.tuple(track, position), {
    minLength: 1,
    maxLength: 16,
    selector: ([name]) => name,
  });
  fc.assert(
    fc.property(several, (list) => {
      const text = list.map(([name, one]) => `${name}:${formatPosition(one)}`).join(",");
      expect(parseStart(text)).toEqual({
        at: "position",
        positions: list.map(([name, one]) => ({ track: name, ...one })),
      });
      expect(codeOf(() => parsePosition(text))).toBe("position_invalid");
    }),
  );
});

test("a track that is named twice is refused", () => {
  fc.assert(
    fc.property(track, position, position, (name, one, other) => {
      const text = `${name}:${formatPosition(one)},${name}:${formatPosition(other)}`;
      expect(codeOf(() => parseStart(text))).toBe("position_invalid");
    }),
  );
});

test("text of any kind is read or refused, nothing else", () => {
  const text = fc.oneof(fc.string(), fc.string({ unit: letters("aZ01.:,-_ \n"), maxLength: 30 }));
  fc.assert(
    fc.property(text, (one) => {
      const error = violation(() => parseStart(one));
      if (error !== undefined) expect(error.code).toBe("position_invalid");
    }),
    { numRuns: 2000 },
  );
});

test("a rewind is never negative, not even zero", () => {
  expect(parseStart("-0")).toStrictEqual({ at: "rewind", seconds: 0 });
  expect(parseStart("-0.250")).toStrictEqual({ at: "rewind", seconds: 0.25 });
});

test("text that would take long to match is refused at once", () => {
  const started = process.hrtime.bigint();
  for (const text of ["a".repeat(100_000), `-${"1".repeat(100_000)}`, "a:".repeat(50_000), ",".repeat(100_000)]) {
    expect(codeOf(() => parseStart(text))).toBe("position_invalid");
  }
  expect(Number(process.hrtime.bigint() - started)).toBeLessThan(5e9);
});
