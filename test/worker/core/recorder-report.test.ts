// A recorder's reports to its room, and their rate.
import { describe, expect, test } from "vitest";
import { encodeMessage, Flag, FrameType } from "../../../protocol/frame.ts";
import { costOf, PRICES } from "../../../worker/core/prices.ts";
import { RecorderCore } from "../../../worker/core/recorder.ts";
import type { RecorderReport } from "../../../worker/core/recorder-report.ts";
import type { StoreOrder } from "../../../worker/core/store-order.ts";
import { minus } from "../../../worker/core/usage.ts";
import { randomFrom } from "../../support/chaos-proxy.ts";
import { JournaledWorld } from "./support/journaled.ts";
import { MapStore } from "./support/map-store.ts";
import { memorySql, RecorderWorld } from "./support/recorder-world.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

describe("a recorder", () => {
  function worldOf(seed: number): RecorderWorld {
    const world = new RecorderWorld(randomFrom(seed), 1_000_000);
    world.link();
    return world;
  }

  /** So many minutes, a group a second. */
  function stream(world: RecorderWorld, minutes: number): void {
    for (let second = 0; second < minutes * 60; second++) {
      world.publish(25, 100, 40, 25, false);
      world.settle(100);
    }
  }

  test("tells once that it records, once that the bucket fails for an hour, and once that all is over", () => {
    const world = worldOf(1);
    stream(world, 2);
    world.bucketFails = 1;
    stream(world, 60);
    const failing = world.reports.filter(({ isFailing }) => isFailing);
    // At most one a minute, and most of them only count.
    expect(failing.length).toBeGreaterThan(1);
    expect(failing.length).toBeLessThanOrEqual(61);
    world.bucketFails = 0;
    stream(world, 6);
    world.online(false);
    world.finish();
    const changes = world.reports
      .map(({ isRecording, isFailing }) => `${isRecording} ${isFailing}`)
      .filter((one, index, all) => one !== all[index - 1]);
    expect(changes).toEqual(["true false", "true true", "true false", "false false"]);
    world.check();
  });

  test("tells all of what it used and what it keeps, also where the room does not always answer", () => {
    const world = worldOf(2);
    world.roomFails = 0.5;
    stream(world, 5);
    world.online(false);
    world.finish();
    const writes = world.reports.reduce((sum, { used }) => sum + used.storageWrites, 0);
    expect(writes).toBe(world.bucket.size);
    expect(world.reports.reduce((sum, { used }) => sum + used.rowsWritten, 0)).toBeGreaterThan(0);
    expect(world.reports.at(-1)).toMatchObject({ isRecording: false, bytes: world.core.rows.bytes });
    expect(world.reports.length).toBeLessThan(12);
  });

  test("tells again after death what it had not told", () => {
    const world = worldOf(3);
    stream(world, 1);
    world.kill();
    world.link();
    stream(world, 1);
    world.kill();
    world.online(false);
    world.link();
    world.finish();
    expect(world.reports.at(-1)).toMatchObject({ isRecording: false, bytes: world.core.rows.bytes });
    world.close();
    world.finish();
    expect(world.core.isOver).toBe(true);
  });
});

test("E6 a track of 4 Mbit/s costs in writes and storage what the formula says", () => {
  const [bytesPerSecond, framesPerSecond, segmentSeconds] = [500_000, 2, 4];
  const world = new JournaledWorld();
  world.create({ recording: "all", recordingSeconds: 30 * 24 * 3600 });
  world.publish();
  const orders: StoreOrder[] = [];
  const reports: RecorderReport[] = [];
  const core = new RecorderCore("main", new MapStore(), memorySql(), {
    store: (order) => void orders.push(order),
    report: (report) => void reports.push(report),
    nonce: () => `n${world.now}`,
    random: () => 0.5,
    call: () => {},
    remove: () => {},
    list: () => {},
  });
  const sink = { send: () => {}, close: () => {}, bufferedBytes: () => 0, lastPong: () => undefined, save: () => {} };
  core.opened(world.now, 1, sink, { keepSeconds: 30 * 24 * 3600, maxBytes: 1e12 });
  const hear = (message: string | Uint8Array) => {
    expect(core.message(world.now, 1, message)).toBeUndefined();
    for (const order of orders.splice(0)) core.stored(world.now, order, "00");
    for (let report = reports.shift(); report !== undefined; report = reports.shift()) {
      core.reported(world.now, world.recorded("main", report));
    }
  };
  hear(JSON.stringify({ type: "track", track: 0, name: "main", epoch: "e1", sequence: 0 }));
  hear(JSON.stringify({ type: "source", name: "main", state: "online" }));
  const before = world.room.figures(world.now).usage;
  const payload = new Uint8Array(bytesPerSecond / framesPerSecond);
  const began = world.now;
  for (let sequence = 0; sequence < 3600 * framesPerSecond; sequence++) {
    const flags = sequence % framesPerSecond === 0 ? Flag.key : 0;
    hear(encodeMessage([{ type: FrameType.frame, flags, track: 0, sequence, timestamp: world.now, payload }]));
    world.pass(1000 / framesPerSecond);
  }
  hear(JSON.stringify({ type: "source", name: "main", state: "offline" }));
  expect(world.now - began).toBe(HOUR_MS);

  const hour = minus(world.room.figures(world.now).usage, before);
  expect(hour.storageWrites).toBe(3600 / segmentSeconds);
  // docs/recording.md: two rows for each segment, and two every half minute.
  const rows = 2 * (3600 / segmentSeconds) + 2 * 120;
  expect(hour.rowsWritten).toBeLessThan(2 * rows);
  // It grows from nothing: on average half of it is kept, told a minute late at most.
  const kept = 3600 * bytesPerSecond;
  expect(hour.storedByteMs / ((kept * HOUR_MS) / 2)).toBeGreaterThan(0.95);
  expect(hour.storedByteMs / ((kept * HOUR_MS) / 2)).toBeLessThan(1.01);
  const puts = ((3600 / segmentSeconds) * PRICES.millionStorageWrites) / 1e6;
  expect(costOf({ ...hour, storedByteMs: 0 }, PRICES).storage).toBeCloseTo(puts, 9);

  const atEnd = world.room.figures(world.now).usage;
  world.pass(DAY_MS);
  const day = minus(world.room.figures(world.now).usage, atEnd);
  expect(day.storageWrites).toBe(0);
  expect(day.storedByteMs / (kept * DAY_MS)).toBeCloseTo(1, 9);
  expect(30 * costOf(day, PRICES).storage).toBeCloseTo(1.8 * PRICES.gigabyteMonthStored, 9);
});
