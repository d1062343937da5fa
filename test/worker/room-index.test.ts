// The index of rooms in a real database: reports that come twice, late, or in any order; pages; usage by days;
// deletion.
import { env } from "cloudflare:workers";
import { beforeEach, expect, test } from "vitest";
import type { RoomEvent } from "../../worker/core/events.ts";
import type { RoomReport } from "../../worker/core/journal.ts";
import { readPrices } from "../../worker/core/prices.ts";
import { NO_USAGE } from "../../worker/core/usage.ts";
import type { Env } from "../../worker/env.ts";
import { roomOfRow, usageOfRow } from "../../worker/operators/answers.ts";
import { type DeliveryOrder, eventId, orderStatements } from "../../worker/operators/deliveries.ts";
import type { IndexDatabase } from "../../worker/operators/index-database.ts";
import { exposition } from "../../worker/operators/metrics.ts";
import { dayOf, listRooms, listUsage, samplesOf, statementsFor } from "../../worker/operators/room-index.ts";
import { indexOf } from "../../worker/operators/schema.ts";
import { upkeep } from "../../worker/operators/upkeep.ts";

const NOON = Date.UTC(2026, 10, 26, 12);
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const PRICES = readPrices("");
const surroundings = env as unknown as Env;

let index: IndexDatabase;
// The first one creates the database.
beforeEach(async () => {
  index = await indexOf((env as unknown as { TEST_INDEX: D1Database }).TEST_INDEX);
  await index.batch(["rooms", "usage", "samples", "deliveries"].map((table) => index.prepare(`DELETE FROM ${table}`)));
}, 60_000);

function report(room: string, number: number, change: Partial<RoomReport> = {}): RoomReport {
  const at = NOON + number * 1000;
  const usage = { ...NO_USAGE, messages: number * 1000, bytesIn: number * 1e6, awakeMs: number * 1000 };
  const sources = [{ track: "main", online: number % 2 === 1, publisher: "p", format: null }];
  const rest = {
    title: `Title ${number}`,
    public: false,
    subscribers: number,
    publishers: 1,
    sources,
    relays: [],
    recordings: [],
    closed: { slow: 1 },
  };
  return {
    ...{
      room,
      createdAt: NOON,
      at,
      number,
      usage,
      recentMs: 60_000,
      recent: { ...NO_USAGE, bytesIn: 6e6 },
      events: [],
    },
    state: { state: "open", ...rest },
    ...change,
  };
}

async function take(...reports: RoomReport[]): Promise<void> {
  for (const one of reports) await index.batch(statementsFor(index, one));
}

const ALL = { status: undefined, isLive: false, text: undefined, after: "", limit: 500 };

test("E2 in any order, and after any repetition, the index has the newest report", async () => {
  const again = report("a", 1, { createdAt: NOON + 50_000, at: NOON + 50_000 });
  const reports = [1, 2, 3, 4].map((number) => report("a", number));
  const orders = [
    [...reports, again],
    [again, ...reports].reverse(),
    [again, ...reports],
    [...reports, ...reports, again, again, ...reports],
  ];
  for (const order of orders) {
    await index.prepare("DELETE FROM rooms").run();
    await take(...order);
    const rows = await listRooms(index, ALL);
    expect(rows.map(({ created_at, number }) => [created_at, number])).toEqual([[NOON + 50_000, 1]]);
  }
});

test("E2 of two reports with one number the later one counts, and a day's usage is its last", async () => {
  const first = report("a", 2);
  const later = report("a", 2, { at: first.at + 60_000, usage: { ...NO_USAGE, messages: 9000 } });
  await take(later, first);
  const [row] = await listRooms(index, ALL);
  expect(row?.at).toBe(later.at);
  const usage = await listUsage(index, {
    from: "2026-11-26",
    to: "2026-11-26",
    room: "a",
    after: ["", "", 0],
    limit: 10,
  });
  expect(usage.map((one) => usageOfRow(one, PRICES).usage.messages)).toEqual([9000]);
});

test("E5 usage is reported by days, as differences, and a room that was created again starts again", async () => {
  const on = (day: number, messages: number, createdAt = NOON) =>
    report("a", day + 1, { createdAt, at: NOON + day * DAY_MS, usage: { ...NO_USAGE, messages, awakeMs: messages } });
  await take(on(0, 100), on(1, 150), on(3, 400), on(3, 40, NOON + 2 * DAY_MS), report("b", 1));
  const query = { from: "2026-11-01", to: "2026-12-31", room: "a", after: ["", "", 0] as const, limit: 500 };
  const days = (await listUsage(index, query)).map((one) => usageOfRow(one, PRICES));
  expect(days.map(({ day, usage }) => [day, usage.messages])).toEqual([
    [dayOf(NOON), 100],
    [dayOf(NOON + DAY_MS), 50],
    [dayOf(NOON + 3 * DAY_MS), 250],
    [dayOf(NOON + 3 * DAY_MS), 40],
  ]);
  // A single requested day is still a difference.
  const one = await listUsage(index, { ...query, from: "2026-11-27", to: "2026-11-27" });
  expect(one.map((row) => usageOfRow(row, PRICES).usage.messages)).toEqual([50]);
  // In pages of one, the result is the same.
  const paged: number[] = [];
  for (let after: readonly [string, string, number] = ["", "", 0]; ; ) {
    const [row] = await listUsage(index, { ...query, after, limit: 1 });
    if (row === undefined) break;
    paged.push(usageOfRow(row, PRICES).usage.messages);
    after = [row.day, row.room, row.created_at];
  }
  expect(paged).toEqual([100, 50, 250, 40]);
});

test("E5 rooms are found by state, by being live, and by a part of id or title, in pages", async () => {
  const closed = (room: string) =>
    report(room, 9, { state: { ...report(room, 9).state, state: "closed", sources: [] } });
  await take(report("one", 1), report("two", 2), report("Three%", 3), closed("four"));
  const ids = async (query: Partial<typeof ALL> | object) =>
    (await listRooms(index, { ...ALL, ...query })).map(({ room }) => room);
  expect(await ids({})).toEqual(["Three%", "four", "one", "two"]);
  expect(await ids({ status: "closed" })).toEqual(["four"]);
  expect(await ids({ isLive: true })).toEqual(["Three%", "one"]);
  expect(await ids({ text: "TITLE 2" })).toEqual(["two"]);
  expect(await ids({ text: "e%" })).toEqual(["Three%"]);
  expect(await ids({ text: "'; DROP TABLE rooms; --" })).toEqual([]);
  expect(await ids({ after: "four", limit: 1 })).toEqual(["one"]);
});

test("E5 a room that has not reported for long does nothing now", async () => {
  await take(report("a", 1));
  const [row] = await listRooms(index, ALL);
  if (row === undefined) throw new Error("no row");
  expect(roomOfRow(row, row.at + 1000, PRICES)).toMatchObject({
    bytesPerSecondIn: 100_000,
    cost: { total: expect.any(Number) },
  });
  expect(roomOfRow(row, row.at + 600_000, PRICES)).toMatchObject({ bytesPerSecondIn: 0, cost: { perHour: 0 } });
});

test("E5 samples are sums by minutes, and metrics sums of all rooms", async () => {
  await take(report("a", 1), report("b", 2), report("a", 100));
  const samples = await samplesOf(index, undefined, NOON + 200_000);
  expect(samples.map(({ minute, subscribers }) => [minute, subscribers])).toEqual([
    [NOON, 3],
    [NOON + 60_000, 100],
  ]);
  expect(await samplesOf(index, "b", NOON + 200_000)).toHaveLength(1);
  const text = await exposition(index, { prices: PRICES, analytics: undefined });
  for (const line of [
    'roomcast_rooms{state="open"} 2',
    "roomcast_subscribers 102",
    "roomcast_messages_total 102000",
    'roomcast_closed_total{reason="slow"} 2',
    'roomcast_webhooks{status="dead"} 0',
  ]) {
    expect(text).toContain(`${line}\n`);
  }
});

test("old data is deleted, and an open room never is", async () => {
  const state = { ...report("x", 9).state, state: "closed" } as const;
  await take(report("open", 1), report("closed", 9, { state }));
  await upkeep(index, surroundings, NOON + 91 * DAY_MS);
  expect((await listRooms(index, ALL)).map(({ room }) => room)).toEqual(["open"]);
  expect(await samplesOf(index, undefined, NOON)).toEqual([]);
});

test("a room that was silent for a day is asked, and is closed where there is none", async () => {
  const now = NOON + 200 * DAY_MS;
  await take(report("silent", 1), report("heard", 2, { at: now - DAY_MS + 1 }));
  await upkeep(index, { ...surroundings, EVENTS: {} as Queue<RoomReport> }, now);
  const rows = await listRooms(index, ALL);
  expect(rows.map(({ room, status, at }) => [room, status, at])).toEqual([
    ["heard", "open", now - DAY_MS + 1],
    ["silent", "closed", now],
  ]);
  expect(JSON.parse(rows[1]?.state ?? "")).toEqual({
    ...report("silent", 1).state,
    ...{ state: "closed", subscribers: 0, publishers: 0, sources: [], relays: [] },
  });
});

test("a webhook that waits for longer than any pause is put into its queue again", async () => {
  const now = NOON + 300 * DAY_MS;
  const waiting = { owner: "operator", url: "http://127.0.0.1:9/" } as const;
  const late = { ...report("a", 1), events: [eventAt(1, now - 14 * HOUR_MS), eventAt(2, now - 12 * HOUR_MS)] };
  await index.batch(orderStatements(index, late, [waiting]).statements);
  const sent: unknown[] = [];
  const sendBatch = async (messages: Iterable<MessageSendRequest>) => void sent.push(...messages);
  await upkeep(index, { ...surroundings, WEBHOOKS: { sendBatch } as unknown as Queue<DeliveryOrder> }, now);
  expect(sent).toEqual([{ body: { delivery: `${eventId(late, eventAt(1, 0))}-0`, turn: 0 } }]);
});

function eventAt(number: number, at: number): RoomEvent {
  return { number, type: "room.changed", at, about: null, state: report("a", 1).state };
}
