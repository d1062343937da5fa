// The histogram: its quantiles match those of the samples to less than a hundredth, in one process or in several.
import fc from "fast-check";
import { expect, test } from "vitest";
import { Histogram } from "../../../load/accounting/histogram.ts";

const durations = fc.array(fc.double({ min: 0, max: 5_000_000, noNaN: true }), { minLength: 1, maxLength: 300 });

test("quantiles are within 0.8 % or a microsecond, the longest one is exact", () => {
  fc.assert(
    fc.property(durations, fc.double({ min: 0, max: 0.999, noNaN: true }), (all, q) => {
      const histogram = new Histogram();
      for (const one of all) histogram.add(one);
      const exact = [...all].sort((a, b) => a - b)[Math.floor(q * all.length)] ?? 0;
      const most = Math.min(exact, (2 ** 32 - 1) / 1000);
      expect(Math.abs(histogram.quantile(q) - most)).toBeLessThanOrEqual(Math.max(0.001, most * 0.008));
      expect(histogram.quantile(1)).toBe(Math.max(...all));
      expect(histogram.count).toBe(all.length);
    }),
  );
});

test("the sum of two is what one would have counted", () => {
  fc.assert(
    fc.property(durations, durations, (some, others) => {
      const [one, other, both] = [new Histogram(), new Histogram(), new Histogram()];
      for (const ms of some) one.add(ms);
      for (const ms of others) other.add(ms);
      for (const ms of [...some, ...others]) both.add(ms);
      one.merge(JSON.parse(JSON.stringify(other.data)));
      expect(one.data).toEqual(both.data);
    }),
  );
});

test("without durations there is no figure, and a negative duration is 0", () => {
  const histogram = new Histogram();
  expect([histogram.quantile(0.5), histogram.quantile(1), histogram.max]).toEqual([Number.NaN, Number.NaN, Number.NaN]);
  histogram.add(-3);
  expect([histogram.quantile(0.5), histogram.max]).toEqual([0, 0]);
});
