// A room's reports: the events, their order, what survives, and the cost.
import { describe, expect, test } from "vitest";
import { Close } from "../../../protocol/close.ts";
import { JournaledWorld, WHO } from "./support/journaled.ts";

const HOUR_MS = 3_600_000;

/** A room with reports. */
function opened(): JournaledWorld {
  const world = new JournaledWorld();
  world.create({ title: "first" });
  world.pass(20_000);
  return world;
}

describe("events", () => {
  test("E1 a room's life is reported in order, with numbers that increase by one and the state at each", () => {
    const world = opened();
    const viewer = world.subscribe();
    const publisher = world.publish();
    world.pass(15_000);
    world.call(() => world.core.update(world.now, WHO, { title: "second" }));
    world.leave(publisher);
    world.pass(20_000);
    world.leave(viewer);
    world.pass(20_000);
    world.call(() => world.core.shut(world.now, WHO));
    expect(world.types).toEqual([
      "room.created",
      "subscribers.first",
      "source.online",
      "room.changed",
      "source.offline",
      "subscribers.last",
      "room.closed",
    ]);
    expect(world.events.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(world.events[0]?.settings?.title).toBe("first");
    expect(world.events[3]).toMatchObject({
      settings: { title: "second" },
      state: { title: "second", subscribers: 1 },
    });
    expect(world.events[4]).toMatchObject({ about: "main", state: { sources: [{ track: "main", online: false }] } });
    expect(world.events[6]).toMatchObject({ state: { state: "closed", subscribers: 0, sources: [] } });
  });

  test("E1 the source is offline after its grace, and not at all if it returns", () => {
    const world = opened();
    const first = world.publish();
    world.frame(first, 0);
    world.pass(2000);
    world.leave(first);
    world.pass(3000);
    const epoch = "e0";
    const second = world.publish({ resume: { epoch, sequence: 1 }, unacknowledged: 0 });
    world.pass(20_000);
    expect(world.types).toEqual(["room.created", "source.online"]);
    world.leave(second);
    world.pass(20_000);
    expect(world.types.at(-1)).toBe("source.offline");
  });

  test("E1 a takeover is reported, and an empty room expires", () => {
    const world = new JournaledWorld();
    world.create({ idleExpirySeconds: 600 });
    world.publish();
    world.pass(2000);
    const second = world.publish({ takeover: true });
    world.pass(2000);
    expect(world.types.slice(-1)).toEqual(["source.taken_over"]);
    expect(world.events.at(-1)?.state.sources).toEqual([
      { track: "main", online: true, publisher: second, format: null },
    ]);
    world.leave(second);
    world.pass(2_000_000);
    expect(world.types.slice(-1)).toEqual(["room.expired"]);
    expect(world.reports.at(-1)?.state.state).toBe("expired");
  });

  test("E1 kicked connections are reported as sums, which continue after sleep", () => {
    const world = opened();
    const ids = [world.subscribe(), world.subscribe(), world.subscribe()];
    for (const id of ids.slice(0, 2)) world.call(() => world.core.kick(world.now, WHO, id));
    world.pass(20_000);
    const told = world.events.filter(({ type }) => type === "subscribers.closed");
    expect(told.map(({ state }) => state.closed)).toEqual([{ [Close.kicked.name]: 2 }]);
    world.wake();
    world.call(() => world.core.kick(world.now, WHO, ids[2] ?? ""));
    world.pass(20_000);
    expect(world.events.at(-1)?.state.closed).toEqual({ kicked: 3 });
  });

  test("E1 an id that is used again begins anew, under another time of creation", () => {
    const world = opened();
    world.call(() => world.core.shut(world.now, WHO));
    world.pass(100 * 24 * 3_600_000);
    world.create();
    world.pass(5000);
    const [first, last] = [world.reports[0], world.reports.at(-1)];
    expect(last).toMatchObject({ number: 1, events: [{ type: "room.created", number: 1 }] });
    expect(last?.createdAt).toBeGreaterThan(first?.createdAt ?? 0);
  });

  test("E1 numbers of the room follow within some seconds, without an event", () => {
    const world = opened();
    world.subscribe();
    world.pass(5000);
    for (let count = 0; count < 9; count++) world.subscribe();
    world.pass(15_000);
    expect(world.reports.at(-1)).toMatchObject({ events: [], state: { subscribers: 10 } });
  });
});

test("E2 an event leaves within some two seconds, also while numbers wait for their time", () => {
  const world = opened();
  world.subscribe();
  world.pass(3000);
  world.subscribe();
  world.pass(1000);
  const before = world.events.length;
  world.publish();
  world.pass(1500);
  expect(world.events.slice(before).map(({ type }) => type)).toEqual(["source.online"]);
});

describe("what survives", () => {
  test("E1 events in the second before a room died are reported when it is back", () => {
    const world = new JournaledWorld();
    world.create();
    world.subscribe();
    world.die();
    world.subscribe();
    world.pass(20_000);
    expect(world.types).toEqual(["room.created", "subscribers.first"]);
    world.die();
    world.pass(20_000);
    expect(world.types).toEqual(["room.created", "subscribers.first", "subscribers.last"]);
  });

  test("E2 a report whose receipt was lost is sent again, under the same numbers", () => {
    const world = opened();
    world.subscribe();
    const before = new Map(world.kv.rows);
    world.pass(1100);
    expect(world.types).toEqual(["room.created", "subscribers.first"]);
    const sent = world.reports.at(-1)?.events;
    // The row from before the queue's answer: events are stored before they are sent.
    for (const [key, value] of before) if (key !== "journal") world.kv.rows.set(key, value);
    const row = world.kv.rows.get("journal") as { outbox: unknown[] };
    world.kv.rows.set("journal", { ...row, outbox: sent });
    world.die();
    world.subscribe();
    world.pass(20_000);
    expect(world.reports.at(-1)?.events).toEqual(sent);
  });

  test("a room repeats its state when it is used after a day without a report, in case all reports were lost", () => {
    const world = opened();
    const publisher = world.publish();
    world.pass(20_000);
    let sequence = 0;
    /** The number of reports after it wakes for a frame. */
    const reportsAfter = (ms: number): number => {
      world.pass(ms);
      const before = world.reports.length;
      world.wake();
      world.frame(publisher, sequence++);
      world.pass(20_000);
      expect(world.room.dueAt).toBeUndefined();
      return world.reports.length - before;
    };
    expect(reportsAfter(HOUR_MS)).toBe(0);
    const { number, state } = world.reports.at(-1) ?? expect.fail("nothing was told");
    expect(reportsAfter(24 * HOUR_MS)).toBe(1);
    expect(world.reports.at(-1)).toMatchObject({ number, state, events: [] });
    expect([reportsAfter(HOUR_MS), reportsAfter(22 * HOUR_MS), reportsAfter(HOUR_MS)]).toEqual([0, 0, 1]);
    // The index has asked, so it knows the room.
    world.pass(24 * HOUR_MS);
    world.call(() => world.room.report(world.now));
    expect(reportsAfter(HOUR_MS)).toBe(0);
  });

  test("E2 a room that is closed while the queue is down tells it when the queue is back, by its alarm", () => {
    const world = opened();
    world.isQueueDown = true;
    world.call(() => world.core.shut(world.now, WHO));
    world.pass(60_000);
    world.wake();
    world.isQueueDown = false;
    world.pass(700_000);
    expect(world.types).toEqual(["room.created", "room.closed"]);
    expect(world.kv.rows.has("journal")).toBe(false);
  });

  test("a room that is asked says what it last told, without events, and nothing when it is over", () => {
    const world = opened();
    world.subscribe();
    world.pass(20_000);
    const { room, createdAt, number, state } = world.reports.at(-1) ?? expect.fail("nothing was told");
    expect(world.room.report(world.now)).toMatchObject({ room, createdAt, number, state, events: [] });
    world.call(() => world.core.shut(world.now, WHO));
    world.pass(20_000);
    expect(world.types.at(-1)).toBe("room.closed");
    expect(world.room.report(world.now)).toBeUndefined();
    const silent = new JournaledWorld(false);
    silent.create();
    expect(silent.room.report(silent.now)).toBeUndefined();
  });

  test("E2 while the queue is down events are kept in bounds, and the newest stays", () => {
    const world = opened();
    world.isQueueDown = true;
    for (let round = 0; round < 300; round++) {
      const id = world.subscribe();
      world.pass(300);
      world.leave(id);
      world.pass(300);
    }
    world.isQueueDown = false;
    world.subscribe();
    world.pass(30_000);
    const { events } = world.reports.find((report) => report.events.length > 10) ?? { events: [] };
    expect(events.length).toBeLessThanOrEqual(64);
    expect(world.events.at(-1)).toMatchObject({ number: 602, type: "subscribers.first" });
    expect(JSON.stringify(world.kv.rows.get("journal")).length).toBeLessThan(60_000);
  });
});

describe("its cost", () => {
  test("no row is written while frames come, and a room that idles sets no timer", () => {
    const world = opened();
    world.subscribe();
    const publisher = world.publish();
    world.pass(4000);
    const { writes } = world.kv;
    for (let sequence = 0; sequence < 600; sequence++) {
      world.frame(publisher, sequence);
      world.pass(33);
    }
    expect(world.kv.writes).toBe(writes);
    world.pass(3000);
    expect(world.room.dueAt).toBeUndefined();
    expect(world.kv.writes).toBe(writes + 1);
  });

  test("a room that is not asked for events writes nothing for them, and has no timer of theirs", () => {
    const world = new JournaledWorld(false);
    world.create();
    const { writes } = world.kv;
    world.subscribe();
    world.pass(2000);
    expect(world.room.dueAt).toBeUndefined();
    expect([world.kv.writes, world.kv.rows.has("journal")]).toEqual([writes, false]);
  });

  test("a client that joins and leaves all the time causes a bounded number of reports", () => {
    const world = opened();
    const before = world.reports.length;
    for (let second = 0; second < 600; second++) {
      const id = world.subscribe();
      world.pass(500);
      world.leave(id);
      world.pass(500);
    }
    expect(world.reports.length - before).toBeLessThan(130);
  });

  test("while the queue is down the room still falls asleep", () => {
    const world = opened();
    world.isQueueDown = true;
    world.subscribe();
    world.pass(40_000);
    expect(world.room.dueAt).toBeUndefined();
  });
});
