// Backpressure: the bitrate drops first, and pictures are skipped only if it cannot drop any further.
import { describe, expect, test } from "vitest";
import { Backlog, MIN_BITRATE, RateControl } from "../../../web/share/rate-control.ts";
import { StreamClock } from "../../../web/share/stream-clock.ts";

const MAX = 2_500_000;

/** Updates twice a second for this time; `backlog` may depend on the bitrate. */
function run(control: RateControl, from: number, seconds: number, backlog: (bitrate: number) => number) {
  const rates = [];
  for (let now = from; now < from + seconds * 1000; now += 500)
    rates.push(control.update(backlog(control.rate.bitrate), now));
  return rates;
}

describe("the bitrate", () => {
  test("stays at the wanted bitrate while the connection allows it", () => {
    expect(run(new RateControl(MAX), 0, 20, () => 0.2).every(({ bitrate }) => bitrate === MAX)).toBe(true);
  });

  test("falls while there is a backlog, to the smallest one, before a picture is skipped", () => {
    const rates = run(new RateControl(MAX), 0, 20, () => 5);
    const skipping = rates.findIndex(({ isSkipping }) => isSkipping);
    expect(rates.slice(0, skipping).some(({ bitrate }) => bitrate === MIN_BITRATE)).toBe(true);
    expect(skipping).toBeGreaterThan(4);
    for (let index = 1; index < rates.length; index++)
      expect(rates[index]?.bitrate).toBeLessThanOrEqual(rates[index - 1]?.bitrate ?? 0);
  });

  test("never skips on a way that carries the smallest one", () => {
    const rates = run(new RateControl(MAX), 0, 60, (bitrate) => (bitrate > 400_000 ? 1.5 : 0.2));
    expect(rates.some(({ isSkipping }) => isSkipping)).toBe(false);
    expect(rates.at(-1)?.bitrate).toBeLessThan(700_000);
  });

  test("rises again, slowly, up to the wanted bitrate", () => {
    const control = new RateControl(MAX);
    run(control, 0, 5, () => 2);
    const low = control.rate.bitrate;
    const rates = run(control, 5000, 60, () => 0.1);
    expect(rates[4]?.bitrate).toBe(low);
    expect(rates.at(-1)).toEqual({ bitrate: MAX, isSkipping: false });
  });

  test("follows a changed limit at once, which may be below the usual minimum", () => {
    const control = new RateControl(MAX);
    run(control, 0, 5, () => 2);
    expect(control.setMax(1_000_000).bitrate).toBe(1_000_000);
    control.setMax(100_000);
    expect(run(control, 5000, 9, () => 2).at(-1)?.bitrate).toBe(100_000);
  });

  test("pictures come again when the backlog is small", () => {
    const control = new RateControl(MAX);
    run(control, 0, 20, () => 5);
    expect(control.update(2, 20_000).isSkipping).toBe(true);
    expect(control.update(0.9, 20_500).isSkipping).toBe(false);
  });
});

test("a backlog is measured in seconds of the stream, by the pace of the last two seconds", () => {
  const backlog = new Backlog();
  for (let now = 0; now <= 4000; now += 500) backlog.seconds(now * 100, 0, now);
  expect(backlog.seconds(450_000, 50_000, 4500)).toBeCloseTo(0.5, 1);
  expect(new Backlog().seconds(0, 0, 0)).toBe(0);
});

describe("the clock of a stream", () => {
  test("keeps the distances that the source says, whatever the delays of its way", () => {
    const clock = new StreamClock();
    expect([clock.place(5000, 100), clock.place(45_000, 70_000), clock.place(85_000, 80_100)]).toEqual([
      100, 40_100, 80_100,
    ]);
  });

  test("places a source anew that has jumped, and never goes back", () => {
    const clock = new StreamClock();
    clock.place(0, 1_000_000);
    expect(clock.place(90_000_000, 1_040_000)).toBe(1_040_000);
    expect(clock.place(0, 1_080_000)).toBe(1_080_000);
    expect(clock.place(0, 1_080_000)).toBe(1_080_001);
  });
});
