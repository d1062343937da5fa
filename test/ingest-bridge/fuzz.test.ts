// The short form of the fuzzing; `npm run soak -- fuzz` has the long one.
import { expect, test } from "vitest";
import { FRAMINGS } from "../../protocol/splitter.ts";
import { fuzzPreamble, fuzzSplitter } from "../support/fuzz.ts";

test.each(FRAMINGS)("T6 %s keeps its laws on generated streams", (framing) => {
  expect(fuzzSplitter(framing, 1500, 41).bytes).toBeGreaterThan(100_000);
});

test("T1 the preamble is read or refused, and never held beyond its bound", () => {
  const { failures } = fuzzPreamble(3000, 42);
  expect(failures).toBeGreaterThan(1000);
});
