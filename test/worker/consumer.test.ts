// The consumer of the queues alone, over a real database: which messages are acknowledged, repeated, and given up, and
// when.
import { env } from "cloudflare:workers";
import { beforeEach, expect, test, vi } from "vitest";
import { EVENT_TYPES } from "../../worker/core/events.ts";
import type { RoomReport } from "../../worker/core/journal.ts";
import { NO_USAGE } from "../../worker/core/usage.ts";
import type { Env } from "../../worker/env.ts";
import { consume } from "../../worker/operators/consumer.ts";
import { type Delivery, type DeliveryOrder, listDeliveries, renew } from "../../worker/operators/deliveries.ts";
import { indexOf } from "../../worker/operators/schema.ts";

const INDEX = (env as unknown as { TEST_INDEX: D1Database }).TEST_INDEX;
const SECRET = `whsec_${btoa("x".repeat(32))}`;
/** Nothing listens there. */
const NOBODY = "http://127.0.0.1:9/hook";

let orders: string[];
// The first one creates the database.
beforeEach(async () => {
  orders = [];
  const index = await indexOf(INDEX);
  await index.batch(
    ["rooms", "usage", "samples", "deliveries", "webhooks"].map((table) => index.prepare(`DELETE FROM ${table}`)),
  );
  vi.spyOn(console, "error").mockImplementation(() => {});
}, 60_000);

/** The Worker's environment, with the database; it records orders of webhooks. */
function surroundings(vars: Partial<Env> = {}): Env {
  const note = async (messages: Iterable<MessageSendRequest<DeliveryOrder>>) => {
    for (const { body } of messages) orders.push(body.delivery);
  };
  const webhooks = { sendBatch: note } as unknown as Queue<DeliveryOrder>;
  const own = { WEBHOOK_URL: NOBODY, WEBHOOK_SECRET: SECRET, WEBHOOK_LOCAL: "on", WEBHOOK_RETRY_SECONDS: "7, 70" };
  return { ...(env as unknown as Env), INDEX, WEBHOOKS: webhooks, ...own, ...vars };
}

/** The results of a queue's messages: which are done, and which are repeated, after how many seconds. */
async function result(queue: string, bodies: readonly unknown[], vars?: Partial<Env>, attempts = 1) {
  const acks: number[] = [];
  const retries: [number, number | undefined][] = [];
  const messages = bodies.map((body, id) => ({
    ...{ id: String(id), timestamp: new Date(), attempts, body },
    ack: () => void acks.push(id),
    retry: (options?: QueueRetryOptions) => void retries.push([id, options?.delaySeconds]),
  }));
  const batch = { queue, messages } as unknown as MessageBatch<RoomReport | DeliveryOrder>;
  await consume(batch, surroundings(vars));
  return { acks, retries };
}

function report(...numbers: number[]): RoomReport {
  const counts = { subscribers: 0, publishers: 0, sources: [], relays: [], recordings: [], closed: {} };
  const state = { state: "open", title: "", public: false, ...counts } as const;
  const events = numbers.map((number) => ({ number, type: EVENT_TYPES[0], at: 1000 + number, about: null, state }));
  const used = { usage: NO_USAGE, recentMs: 1000, recent: NO_USAGE };
  return { room: "r-1", createdAt: 1000, at: 2000, number: numbers.at(-1) ?? 0, state, ...used, events };
}

const all = (): Promise<Delivery[]> =>
  listDeliveries(INDEX, { room: undefined, status: undefined, before: [Number.MAX_SAFE_INTEGER, ""], limit: 100 });

test("E2 E3 a report's events go to each address, once however often the report comes", async () => {
  const index = await indexOf(INDEX);
  await index
    .prepare("INSERT INTO webhooks (room, created_at, url, set_at) VALUES ('r-1', 1000, 'http://127.0.0.1:9/own', 1)")
    .run();
  expect(await result("roomcast-events", [report(1, 2)])).toEqual({ acks: [0], retries: [] });
  expect(orders).toEqual(["evt_r-1_rs_1-0", "evt_r-1_rs_1-1", "evt_r-1_rs_2-0", "evt_r-1_rs_2-1"]);
  await result("roomcast-events", [report(1, 2)]);
  const deliveries = await all();
  expect(deliveries.map(({ owner, status, attempts }) => [owner, status, attempts])).toEqual([
    ["room", "waiting", 0],
    ["operator", "waiting", 0],
    ["room", "waiting", 0],
    ["operator", "waiting", 0],
  ]);
  expect(JSON.parse(deliveries[0]?.body ?? "")).toMatchObject({
    type: "room.created",
    timestamp: "1970-01-01T00:00:01.002Z",
    data: { room: "r-1", createdAt: 1000, number: 2, at: 1002, about: null, state: { state: "open" } },
  });
});

test("E3 a webhook whose receiver is not there is tried again, less and less often, and given up by the dead", async () => {
  await result("roomcast-events", [report(1)]);
  const order = { delivery: orders[0] };
  expect(await result("roomcast-webhooks", [order], {}, 1)).toEqual({ acks: [], retries: [[0, 7]] });
  expect(await result("roomcast-webhooks", [order], {}, 2)).toEqual({ acks: [], retries: [[0, 70]] });
  expect(await result("roomcast-webhooks", [order], {}, 9)).toEqual({ acks: [], retries: [[0, 70]] });
  expect(await all()).toMatchObject([{ status: "waiting", attempts: 3, answer: expect.stringMatching(/./) }]);
  expect(await result("roomcast-dead", [order])).toEqual({ acks: [0], retries: [] });
  expect(await all()).toMatchObject([{ status: "dead", attempts: 3 }]);
  // A dead delivery is not tried when a late message arrives.
  expect(await result("roomcast-webhooks", [order])).toEqual({ acks: [0], retries: [] });
  expect((await all())[0]?.attempts).toBe(3);
  // Somebody sends it again: a late message of the dead queue belongs to the previous turn.
  expect(await renew(INDEX, orders[0] ?? "")).toEqual({ delivery: orders[0], turn: 1 });
  await result("roomcast-dead", [order]);
  expect(await result("roomcast-webhooks", [order, { ...order, turn: 1 }])).toEqual({ acks: [0], retries: [[1, 7]] });
  expect(await all()).toMatchObject([{ status: "waiting", attempts: 4 }]);
});

test("E4 a private address is dead at once, and nothing is sent there", async () => {
  await result("roomcast-events", [report(1)]);
  const strict = { WEBHOOK_LOCAL: "", WEBHOOK_URL: "" };
  expect(await result("roomcast-webhooks", [{ delivery: orders[0] }], strict)).toEqual({ acks: [0], retries: [] });
  expect(await all()).toMatchObject([{ status: "dead", answer: expect.stringMatching(/^the address /) }]);
});

test("E2 a report that cannot be taken is tried again, and the others of its batch are taken", async () => {
  const broken = { ...report(1), room: undefined };
  expect(await result("roomcast-events", [broken, report(2)])).toEqual({ acks: [1], retries: [[0, 10]] });
  expect(await result("roomcast-webhooks", [{ delivery: "unknown" }])).toEqual({ acks: [0], retries: [] });
});

test("E3 without a queue of webhooks nothing is noted, and without a database the batch fails as a whole", async () => {
  await result("roomcast-events", [report(1)], { WEBHOOKS: null as never });
  expect(await all()).toEqual([]);
  await expect(result("roomcast-events", [report(1)], { INDEX: null as never })).rejects.toThrow(/INDEX/);
});
