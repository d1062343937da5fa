// Gathered expiries: exact while something happens, on a grid while the room may sleep.
import { expect, test } from "vitest";
import { Expiry } from "../../../worker/core/expiry.ts";

const NOW = Date.UTC(2026, 0, 1);

test("H6 thousands of expiries within some seconds are one alarm", () => {
  const alarms = new Set<number | undefined>();
  for (let second = 1; second <= 3000; second++) {
    const expiry = new Expiry();
    expiry.add(NOW + second * 100);
    alarms.add(expiry.alarmAt);
    expect((expiry.alarmAt ?? 0) - (NOW + second * 100)).toBeGreaterThanOrEqual(0);
  }
  expect(alarms.size).toBe(30);
});

test("H6 events find expired tokens, and only expiries that come soon need a timer", () => {
  const expiry = new Expiry();
  expect([expiry.isDue(NOW), expiry.dueAt, expiry.alarmAt]).toEqual([false, undefined, undefined]);
  expiry.add(NOW + 60_500);
  expiry.add(NOW + 90_000);
  expect([expiry.isDue(NOW), expiry.dueAt, expiry.alarmAt]).toEqual([false, undefined, NOW + 70_000]);
  expect([expiry.isDue(NOW + 50_500), expiry.dueAt]).toEqual([false, NOW + 60_500]);
  expect([expiry.isDue(NOW + 60_499), expiry.isDue(NOW + 60_500)]).toEqual([false, true]);
  expiry.reset(undefined);
  expect([expiry.isDue(NOW + 1e6), expiry.dueAt, expiry.alarmAt]).toEqual([false, undefined, undefined]);
});
