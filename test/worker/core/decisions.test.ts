// The small decisions of a room: when to hold, when to gather, when to tell who is there.
import { expect, test } from "vitest";
import { Backpressure } from "../../../worker/core/backpressure.ts";
import { Occupancy } from "../../../worker/core/occupancy.ts";
import { SendBudget } from "../../../worker/core/send-budget.ts";
import { DEFAULT_TUNING } from "../../../worker/core/tuning.ts";

const settings = { ...DEFAULT_TUNING, windowBytes: 100, holdMs: 1000, historyBytes: 1000 };

test("P4 a burst that outruns everybody holds the publisher, but for a moment only", () => {
  const hold = new Backpressure(settings);
  const decide = (now: number, leastQueuedBytes: number) => hold.decide(now, { leastQueuedBytes, backlogBytes: 0 });
  expect(decide(0, 100)).toBe(false);
  expect(decide(1, 101)).toBe(true);
  expect(decide(500, 60)).toBe(true);
  expect(decide(600, 50)).toBe(false);
  expect(decide(700, 101)).toBe(true);
  expect(decide(1701, 101)).toBe(false);
  expect(decide(9999, 500)).toBe(false);
  expect(decide(10_000, 10)).toBe(false);
  expect(decide(10_001, 101)).toBe(true);
});

test("P4 one subscriber that keeps up is enough to let the publisher go on", () => {
  const hold = new Backpressure(settings);
  expect(hold.decide(0, { leastQueuedBytes: 0, backlogBytes: 0 })).toBe(false);
  expect(hold.decide(0, { leastQueuedBytes: undefined, backlogBytes: 0 })).toBe(false);
});

test("W4 a reliable subscriber's backlog holds the publisher for as long as it takes", () => {
  const hold = new Backpressure(settings);
  expect(hold.decide(0, { leastQueuedBytes: 0, backlogBytes: 501 })).toBe(true);
  expect(hold.decide(60_000, { leastQueuedBytes: 0, backlogBytes: 501 })).toBe(true);
  expect(hold.decide(60_001, { leastQueuedBytes: 0, backlogBytes: 500 })).toBe(false);
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

test("occupancy is told at once, then at most once in its time, and not at all when it is known", () => {
  const occupancy = new Occupancy(1000);
  expect(occupancy.dueAt({ subscribers: 0, publishers: 0 })).toBeUndefined();
  expect(occupancy.dueAt({ subscribers: 1, publishers: 0 })).toBe(Number.NEGATIVE_INFINITY);
  occupancy.told({ subscribers: 1, publishers: 0 }, 5000);
  expect(occupancy.dueAt({ subscribers: 2, publishers: 0 })).toBe(6000);
  expect(occupancy.dueAt({ subscribers: 1, publishers: 0 })).toBeUndefined();
});
