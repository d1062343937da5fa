// When a client comes back: delays and what counts as a failure.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { failuresAfter, retryDelay } from "../../client/backoff.ts";

const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe("backoff", () => {
  test("full jitter: from nothing to the doubled base, at most 15 s", () => {
    expect([0, 1, 2, 5, 6, 2000].map((failures) => retryDelay(failures, 0, 0.999999))).toEqual(
      [500, 1000, 2000, 15_000, 15_000, 15_000].map((ms) => expect.closeTo(ms, 0)),
    );
    expect(retryDelay(3, 0, 0)).toBe(0);
  });

  test("stays within its bounds, and never below what the room asked for", () => {
    fc.assert(
      fc.property(fc.nat(5000), fc.nat(60_000), chance, (failures, afterMs, random) => {
        const delay = retryDelay(failures, afterMs, random);
        expect(delay).toBeGreaterThanOrEqual(afterMs);
        expect(delay).toBeLessThanOrEqual(Math.max(15_000, 2 * afterMs));
      }),
    );
  });

  test("only 10 s of uptime clear the failures", () => {
    expect(failuresAfter(4, 9999)).toBe(4);
    expect(failuresAfter(4, 10_000)).toBe(0);
  });
});
