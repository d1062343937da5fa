// The small decisions of a room: holding, gathering, reporting occupancy.
import { expect, test } from "vitest";
import { Backpressure } from "../../../worker/core/backpressure.ts";
import { HoldAllowance } from "../../../worker/core/hold-allowance.ts";
import { Occupancy } from "../../../worker/core/occupancy.ts";
import { SendBudget } from "../../../worker/core/send-budget.ts";

const tuning = { burstBytes: 100, holdMs: 1000 };

test("P4 a burst that outruns all subscribers holds the publisher, but only for a moment", () => {
  const backpressure = new Backpressure(tuning);
  const holds = (now: number, leastBacklogBytes: number) => backpressure.decide(now, leastBacklogBytes) !== undefined;
  expect(holds(0, 100)).toBe(false);
  expect(holds(1, 101)).toBe(true);
  expect(holds(500, 60)).toBe(true);
  expect(holds(600, 50)).toBe(false);
  expect(holds(700, 101)).toBe(true);
  expect(holds(1701, 101)).toBe(false);
  expect(holds(9999, 500)).toBe(false);
  expect(holds(10_000, 10)).toBe(false);
  expect(holds(10_001, 101)).toBe(true);
});

test("W4 a reliable subscriber's holding time is used up, and returns slowly", () => {
  const allowance = new HoldAllowance({ reliableHoldMs: 1000 });
  expect(allowance.use(0, true)).toBe(true);
  expect(allowance.endsAt(0)).toBe(1000);
  expect(allowance.use(900, true)).toBe(true);
  expect(allowance.endsAt(900)).toBe(1000);
  expect(allowance.use(1000, true)).toBe(false);
  // Half of it has to return, at a tenth of the time.
  expect(allowance.use(5900, true)).toBe(false);
  expect(allowance.use(6100, true)).toBe(true);
  expect(allowance.endsAt(6100) - 6100).toBeLessThan(520);
});

test("a quiet room sends at once; over the budget frames wait for the next slot", () => {
  const pace = new SendBudget(100);
  expect(pace.admit(5, 0)).toBe(true);
  expect(pace.admit(5, 50)).toBe(true);
  expect(pace.admit(1, 99)).toBe(false);
  expect(pace.admit(1, 100)).toBe(true);
});

test("one fan-out larger than a slot's budget still goes out", () => {
  const pace = new SendBudget(100);
  expect(pace.admit(1000, 0)).toBe(true);
  expect(pace.admit(1000, 50)).toBe(false);
  expect(pace.admit(1000, 100)).toBe(true);
});

test("occupancy is reported at once, then at most once in its time, and not at all if it is known", () => {
  const occupancy = new Occupancy(1000);
  expect(occupancy.dueAt({ subscribers: 0, publishers: 0 })).toBeUndefined();
  expect(occupancy.dueAt({ subscribers: 1, publishers: 0 })).toBe(Number.NEGATIVE_INFINITY);
  occupancy.told({ subscribers: 1, publishers: 0 }, 5000);
  expect(occupancy.dueAt({ subscribers: 2, publishers: 0 })).toBe(6000);
  expect(occupancy.dueAt({ subscribers: 1, publishers: 0 })).toBeUndefined();
});
