// The rolling figures of the page.
import { expect, test } from "vitest";
import { latencyText, Meter, WINDOW_MS } from "../../web/figures.ts";

test("a steady flow has its bitrate and its frame rate", () => {
  const meter = new Meter();
  for (let now = 0; now <= 10_000; now += 20) meter.add(500, now);
  const { kilobitsPerSecond, framesPerSecond } = meter.rates(10_000);
  expect(kilobitsPerSecond).toBeGreaterThan(185);
  expect(kilobitsPerSecond).toBeLessThanOrEqual(205);
  expect(framesPerSecond).toBeGreaterThan(46);
  expect(framesPerSecond).toBeLessThanOrEqual(51);
});

test("frames older than the window are not counted", () => {
  const meter = new Meter();
  meter.add(1000, 0);
  expect(meter.rates(WINDOW_MS - 1)).toEqual({ kilobitsPerSecond: 4, framesPerSecond: 0.5 });
  expect(meter.rates(WINDOW_MS)).toEqual({ kilobitsPerSecond: 0, framesPerSecond: 0 });
});

test("nothing flowed: nothing is shown", () => {
  expect(new Meter().rates(5)).toEqual({ kilobitsPerSecond: 0, framesPerSecond: 0 });
});

test("a latency names its basis, and there is none if the clocks differ", () => {
  expect(latencyText({ seconds: 1.26, by: "publisher" })).toBe("1.3 s behind the publisher's clock");
  expect(latencyText({ seconds: -0.01, by: "publisher" })).toBe("0.0 s behind the publisher's clock");
  expect(latencyText({ seconds: 1.26, by: "buffer" })).toBe("1.3 s behind the newest bytes");
  for (const seconds of [-2, 7200]) expect(latencyText({ seconds, by: "publisher" })).toMatch(/clock differs/);
});
