// The cost meter compared with independent counts, and the table of prices.
import { describe, expect, test } from "vitest";
import { Meter } from "../../../worker/core/meter.ts";
import { costOf, PRICES, readPrices, totalOf } from "../../../worker/core/prices.ts";
import { NO_USAGE, type Usage } from "../../../worker/core/usage.ts";
import { JournaledWorld } from "./support/journaled.ts";

const HOUR_MS = 3_600_000;

/** They differ by at most a tenth. */
function close(one: number, other: number): boolean {
  return Math.abs(one - other) <= 0.1 * Math.max(one, other);
}

describe("the meter", () => {
  test("counts requests, messages, awake time, rows and viewer time like an independent counter", () => {
    const world = new JournaledWorld();
    world.create();
    world.pass(30_000);
    const before = world.room.figures(world.now).usage;
    const [rows, timed, reports] = [world.kv.writes, world.timedMs, world.reports.length];
    let [messages, requests, subscriberMs] = [0, 0, 0];
    const viewers: string[] = [];
    const publisher = world.publish();
    requests++;
    for (let second = 0; second < 90; second++) {
      // Subscribers join and leave, and the source pauses for a while: the room sleeps.
      if (second < 30) requests += viewers.push(world.subscribe()) - viewers.length + 1;
      if (second % 10 === 9) world.leave(viewers.pop() ?? "");
      for (let frame = 0; frame < 25; frame++) {
        if (second < 40 || second > 60) world.frame(publisher, messages++);
        subscriberMs += viewers.length * 40;
        world.pass(40);
      }
    }
    world.pass(60_000);
    subscriberMs += viewers.length * 60_000;
    const { usage } = world.room.figures(world.now);
    const counted: Usage = {
      ...NO_USAGE,
      requests,
      messages,
      awakeMs: world.timedMs - timed,
      rowsWritten: world.kv.writes - rows,
      queueMessages: world.reports.length - reports,
      subscriberMs,
      bytesIn: messages * 124,
    };
    const metered = Object.fromEntries(
      Object.entries(usage).map(([name, value]) => [name, value - before[name as keyof Usage]]),
    ) as unknown as Usage;
    const off = Object.keys(counted).filter((name) => {
      const [one, other] = [counted[name as keyof Usage], metered[name as keyof Usage]];
      return name !== "rowsRead" && !close(one, other);
    });
    expect({ off, counted, metered }).toEqual({ off: [], counted, metered });
    expect(close(totalOf(costOf(counted, PRICES)), totalOf(costOf(metered, PRICES)))).toBe(true);
    expect(counted.awakeMs).toBeGreaterThan(60_000);
    expect(counted.awakeMs).toBeLessThan(80_000);
  });

  test("continues after sleep, and after a crash with the stored counts", () => {
    const world = new JournaledWorld();
    world.create();
    const publisher = world.publish();
    for (let sequence = 0; sequence < 500; sequence++) {
      world.frame(publisher, sequence);
      world.pass(40);
    }
    world.pass(20_000);
    const { usage } = world.room.figures(world.now);
    world.wake();
    expect(world.room.figures(world.now).usage).toMatchObject({ messages: usage.messages, bytesIn: usage.bytesIn });
    world.die();
    expect(world.room.figures(world.now).usage.messages).toBe(500);
    expect(usage.rowsWritten - world.room.figures(world.now).usage.rowsWritten).toBeLessThanOrEqual(0);
  });

  test("counts bytes of recordings by how long they are kept, and what relays get beside the room", () => {
    const meter = new Meter(NO_USAGE, 0);
    meter.stores(1e9, 3, 1);
    meter.serves(HOUR_MS, 0, 0, 0);
    meter.stores(0, 0, 0);
    meter.serves(2 * HOUR_MS, 600, 500, 2);
    meter.turn(2 * HOUR_MS);
    meter.turn(2 * HOUR_MS + 500);
    meter.frames(100);
    expect(meter.usage).toMatchObject({
      ...{ storedByteMs: 1e9 * HOUR_MS, storageWrites: 3, storageReads: 1 },
      // Subscribers that joined at relays; the message at three objects; three objects awake.
      ...{ requests: 500, messages: 3, bytesIn: 100, awakeMs: 3 * 501 },
    });
  });

  test("computes usage per hour from the last minutes, not from the whole past", () => {
    const world = new JournaledWorld();
    world.create();
    world.pass(10 * HOUR_MS);
    const publisher = world.publish();
    for (let sequence = 0; sequence < 25 * 150; sequence++) {
      world.frame(publisher, sequence);
      world.pass(40);
    }
    const { recent, recentMs } = world.room.figures(world.now);
    expect(recentMs).toBeGreaterThan(59_000);
    expect(recentMs).toBeLessThan(121_000);
    expect(close((recent.messages / recentMs) * 1000, 25)).toBe(true);
    expect(close(recent.awakeMs, recentMs)).toBe(true);
  });
});

describe("prices", () => {
  test("an hour of thirty frames a second in an object that is awake", () => {
    const hour = { ...NO_USAGE, messages: 30 * 3600, awakeMs: HOUR_MS };
    expect(costOf(hour, PRICES)).toMatchObject({
      duration: expect.closeTo(0.00576, 8),
      messages: expect.closeTo(0.00081, 8),
    });
    expect(totalOf(costOf(NO_USAGE, PRICES))).toBe(0);
    expect(costOf({ ...NO_USAGE, storedByteMs: 1e9 * 30 * 24 * HOUR_MS }, PRICES).storage).toBeCloseTo(0.015);
    expect(costOf({ ...NO_USAGE, queueMessages: 1e6 }, PRICES).events).toBeCloseTo(1.2 + 3);
  });

  test("the operator's are taken over ours, with their date, and only if they are prices", () => {
    expect(readPrices("")).toBe(PRICES);
    const own = readPrices('{"date":"2027-01-01","millionObjectRequests":0.2}');
    expect(own).toEqual({ ...PRICES, date: "2027-01-01", millionObjectRequests: 0.2 });
    for (const text of [
      "{",
      "[]",
      "3",
      '{"millionObjectRequests":0.2}',
      '{"date":"soon"}',
      '{"date":"2027-01-01","x":1}',
      '{"date":"2027-01-01","millionRowsRead":-1}',
      '{"date":"2027-01-01","messagesPerRequest":0}',
      '{"date":"2027-01-01","millionRowsRead":"1"}',
    ]) {
      const faults: string[] = [];
      expect(readPrices(text, faults)).toBe(PRICES);
      expect({ text, faults: faults.length }).toEqual({ text, faults: 1 });
    }
  });
});
