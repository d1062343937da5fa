// The short form of the crowd; `npm run soak -- producers` has 1,000 of them for a minute.
import { expect, test } from "vitest";
import { manyProducers } from "../support/many-producers.ts";

test("T2 50 producers in 50 rooms lose nothing, although others beside them delay their preambles", async () => {
  const report = await manyProducers(50, 5, 50);
  expect(report.lost).toBe(0);
  expect(report.bytes).toBe(50 * 25 * 200);
  expect(report.lorisAnswers.every((answer) => answer.startsWith("ERROR preamble_timeout "))).toBe(true);
});
