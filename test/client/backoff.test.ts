// Reconnecting: delays, and the definition of a failure.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { failuresAfter, type Retry, retryDelay } from "../../client/backoff.ts";

const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const NEARLY_ONE = 0.9999999;

function delay(retry: Partial<Retry>): number {
  return retryDelay({ failures: 0, afterMs: 0, spreadMs: 0, random: NEARLY_ONE, ...retry });
}

describe("backoff", () => {
  test("full jitter: from nothing to the doubled base, at most 15 s", () => {
    expect([0, 1, 2, 5, 6, 2000].map((failures) => delay({ failures }))).toEqual(
      [500, 1000, 2000, 15_000, 15_000, 15_000].map((ms) => expect.closeTo(ms, 0)),
    );
    expect(delay({ failures: 3, random: 0 })).toBe(0);
  });

  test("R2 the first retry comes within the spread, each further one a spread after the one before", () => {
    expect(delay({ spreadMs: 6250, random: 0 })).toBe(0);
    expect(delay({ spreadMs: 6250 })).toBeCloseTo(6250, 0);
    expect(delay({ spreadMs: 100 })).toBeCloseTo(500, 0);
    expect(delay({ spreadMs: 6250, failures: 1, random: 0 })).toBe(6250);
    expect(delay({ spreadMs: 6250, failures: 1 })).toBeCloseTo(7250, 0);
    expect(delay({ spreadMs: 6250, failures: 9 })).toBeCloseTo(21_250, 0);
  });

  test("R2 clients with the same delay do not reconnect in the same moment", () => {
    expect(delay({ afterMs: 8000, random: 0 })).toBe(8000);
    expect(delay({ afterMs: 8000 })).toBeCloseTo(16_000, 0);
    expect(delay({ afterMs: 60_000 })).toBeCloseTo(75_000, 0);
    expect(delay({ afterMs: 60_000, spreadMs: 6250 })).toBeCloseTo(66_250, 0);
    expect(delay({ afterMs: 1000, spreadMs: 6250 })).toBeCloseTo(7250, 0);
  });

  test("stays within its bounds, and never below the room's delay", () => {
    fc.assert(
      fc.property(fc.nat(5000), fc.nat(60_000), fc.nat(60_000), chance, (failures, afterMs, spreadMs, random) => {
        const ms = retryDelay({ failures, afterMs, spreadMs, random });
        expect(ms).toBeGreaterThanOrEqual(failures === 0 ? afterMs : Math.max(afterMs, spreadMs));
        expect(ms).toBeLessThanOrEqual(Math.max(afterMs, spreadMs) + Math.max(15_000, spreadMs));
      }),
    );
  });

  test("only 10 s of uptime clear the failures", () => {
    expect(failuresAfter(4, 9999)).toBe(4);
    expect(failuresAfter(4, 10_000)).toBe(0);
  });
});
