// The rolling figures of the page.
import { expect, test } from "vitest";
import { Meter, WINDOW_MS } from "../../web/figures.ts";

test("a steady flow has its bitrate and its frame rate", () => {
  const meter = new Meter();
  for (let now = 0; now <= 10_000; now += 20) meter.add(500, now);
  const { kilobitsPerSecond, framesPerSecond } = meter.rates(10_000);
  expect(kilobitsPerSecond).toBeGreaterThan(185);
  expect(kilobitsPerSecond).toBeLessThanOrEqual(205);
  expect(framesPerSecond).toBeGreaterThan(46);
  expect(framesPerSecond).toBeLessThanOrEqual(51);
});

test("what is older than the window does not count", () => {
  const meter = new Meter();
  meter.add(1000, 0);
  expect(meter.rates(WINDOW_MS - 1)).toEqual({ kilobitsPerSecond: 4, framesPerSecond: 0.5 });
  expect(meter.rates(WINDOW_MS)).toEqual({ kilobitsPerSecond: 0, framesPerSecond: 0 });
});

test("nothing flowed: nothing is shown", () => {
  expect(new Meter().rates(5)).toEqual({ kilobitsPerSecond: 0, framesPerSecond: 0 });
});
