// Events from rooms to their receivers: real queues, a real index, real HTTP, and a consumer that is killed half of the
// time, and restarted.
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import type * as z from "zod/mini";
import { nodeEnvironment } from "../../client/node.ts";
import { Publisher } from "../../client/publisher.ts";
import { Flag } from "../../protocol/frame.ts";
import { deliveriesAnswer, roomsAnswer, samplesAnswer, usageAnswer } from "../../worker/operators/schemas.ts";
import {
  type EventsRuntime,
  type SplitRuntime,
  startEventsRuntime,
  startSplitRuntime,
} from "../support/events-runtime.ts";
import { createRoom, SECRET, type TestRoom } from "../support/local-room.ts";
import { RawSubscriber } from "../support/raw-subscriber.ts";
import { createRecordedRoom } from "../support/recordings.ts";
import { RoomApi } from "../support/room-api.ts";
import { waitFor } from "../support/wait.ts";
import { WebhookReceiver } from "../support/webhook-receiver.ts";

/** `npm run soak -- long` uses more of them. */
const ROOMS = process.env.ROOMCAST_LONG === "1" ? 200 : 60;
const MOST = 500;
const SECRET_OF_WEBHOOKS = `whsec_${randomBytes(32).toString("base64")}`;

let receiver: WebhookReceiver;
let runtime: EventsRuntime;
/** Its consumer is a separate process. */
let split: SplitRuntime;
beforeAll(async () => {
  receiver = await WebhookReceiver.start(SECRET_OF_WEBHOOKS);
  const vars = {
    WEBHOOK_URL: receiver.url,
    WEBHOOK_SECRET: SECRET_OF_WEBHOOKS,
    WEBHOOK_LOCAL: "on",
    WEBHOOK_RETRY_SECONDS: "0",
  };
  [runtime, split] = await Promise.all([startEventsRuntime(SECRET, vars), startSplitRuntime(SECRET, vars)]);
});
afterAll(async () => {
  await Promise.all([runtime.close(), split.close()]);
  await receiver[Symbol.asyncDispose]();
});

type Rooms = z.infer<typeof roomsAnswer>;
type Deliveries = z.infer<typeof deliveriesAnswer>;

/** The final state of a room. */
interface Life {
  readonly room: TestRoom;
  readonly isClosed: boolean;
  readonly viewers: RawSubscriber[];
  readonly publisher: Publisher;
}

/** Creates a room, streams into it, lets some clients leave, and closes it, or not. */
async function live(index: number): Promise<Life> {
  const room = await createRoom(split.url, `room-${index}`);
  const publisher = new Publisher({
    ...{ url: split.url, room: room.room, token: room.tokens.publish, environment: nodeEnvironment },
  });
  await publisher.ready();
  const viewers = await Promise.all(
    Array.from({ length: 1 + (index % 3) }, () =>
      new RawSubscriber(room.links.websocket, room.tokens.subscribe, { framed: true }).opened(),
    ),
  );
  await publisher.write([{ payload: new Uint8Array(1000), flags: Flag.key }]);
  await waitFor("a frame at each", () => viewers.every(({ frames }) => frames === 1));
  if (index % 4 === 1) viewers.pop()?.socket.close();
  if (index % 4 === 2) await publisher.end();
  const isClosed = index % 4 !== 3 && index % 4 !== 1;
  if (isClosed) await new RoomApi(split.url, room).ask("DELETE", "");
  return { room, isClosed, viewers, publisher };
}

/** The index, all pages. */
async function indexed(): Promise<Rooms["rooms"]> {
  const rooms: Rooms["rooms"] = [];
  for (let after = ""; ; ) {
    const page = await split.ask<Rooms>(`/api/rooms?limit=77${after}`);
    rooms.push(...page.rooms);
    if (page.next === null) return rooms;
    after = `&after=${page.next}`;
  }
}

test("E1 E2 E3 the index ends equal to the truth, and every event arrives, signed, in an order that can be restored", async () => {
  // An idle room with a subscriber.
  const idle = await createRoom(split.url, "idle");
  const sleeper = await new RawSubscriber(idle.links.websocket, idle.tokens.subscribe, {
    framed: true,
    pings: false,
  }).opened();
  const joinedAt = Date.now();

  const lives: Life[] = [];
  for (let from = 0; from < ROOMS; from += 20) {
    lives.push(...(await Promise.all(Array.from({ length: 20 }, (_, index) => live(from + index)))));
    // While it has work, and the rooms continue.
    await waitFor("webhooks under way", () => receiver.requests > from);
    await split.restartConsumer();
  }
  const truth = lives.map(({ room, isClosed, viewers }, index) => ({
    room: room.room,
    state: isClosed ? "closed" : "open",
    subscribers: isClosed ? 0 : viewers.length,
    online: !isClosed && index % 4 !== 2,
  }));
  const byRoom = (one: { room: string }, other: { room: string }) => (one.room < other.room ? -1 : 1);
  await waitFor(
    "the index to be the truth",
    async () => {
      const rooms = (await indexed()).filter(({ room }) => room !== "idle");
      const seen = rooms.map(({ room, state, subscribers, sources }) => ({
        room,
        state,
        subscribers,
        online: sources.some(({ online }) => online),
      }));
      return JSON.stringify(seen.sort(byRoom)) === JSON.stringify([...truth].sort(byRoom));
    },
    60_000,
  );

  // Every reported event arrives, and everything that arrives is signed. A report whose consumer was killed comes after
  // later ones.
  const wanted = new Map((await indexed()).map(({ room, number }) => [room, number]));
  const arrived = (room: string) =>
    new Set(receiver.received.filter(({ data }) => data.room === room).map(({ data }) => data.number));
  await waitFor(
    "every event",
    () => lives.every(({ room }) => arrived(room.room).size === wanted.get(room.room)),
    60_000,
  );
  const deliveries = await waitFor(
    "all webhooks",
    async () => {
      const { deliveries: waiting } = await split.ask<Deliveries>(`/api/deliveries?status=waiting&limit=${MOST}`);
      const done = await split.ask<Deliveries>(`/api/deliveries?status=delivered&limit=${MOST}`);
      return waiting.length === 0 ? done : undefined;
    },
    60_000,
  );
  // None is dead, and all are recorded as delivered.
  const total = (await indexed()).reduce((sum, { number }) => sum + number, 0);
  expect(await split.read("/metrics")).toContain(`roomcast_webhooks{status="dead"} 0\n`);
  await waitFor("all to be noted", async () =>
    (await split.read("/metrics")).includes(`roomcast_webhooks{status="delivered"} ${total}\n`),
  );
  expect(deliveriesAnswer.safeParse(deliveries).error).toBeUndefined();
  expect(roomsAnswer.safeParse(await split.ask("/api/rooms")).error).toBeUndefined();
  expect(usageAnswer.safeParse(await split.ask("/api/usage")).error).toBeUndefined();
  expect(samplesAnswer.safeParse(await split.ask("/api/samples")).error).toBeUndefined();
  expect(receiver.faults).toEqual([]);
  for (const { room, isClosed } of lives) {
    const own = receiver.received.filter(({ data }) => data.room === room.room);
    const events = new Map(own.map((event) => [event.data.number, event]));
    const ordered = [...events.values()].sort((a, b) => a.data.number - b.data.number);
    const types = ordered.map(({ type }) => type);
    expect(types[0]).toBe("room.created");
    expect(types.at(-1) === "room.closed").toBe(isClosed);
    // None is missing, up to the number in the index.
    expect(ordered.map(({ data }) => data.number)).toEqual(
      Array.from({ length: wanted.get(room.room) ?? 0 }, (_, index) => index + 1),
    );
    for (const event of own) expect(event.id).toBe(events.get(event.data.number)?.id);
  }

  // Meanwhile, the room with the waiting subscriber was put to sleep.
  await waitFor("the idle room to be told of", async () => (await indexed()).some(({ room }) => room === "idle"));
  await waitFor("time for it to sleep", () => Date.now() - joinedAt > 17_000, 20_000);
  expect(await split.awakeSince("idle")).toBeGreaterThan(joinedAt + 10_000);
  expect(sleeper.closed).toBeUndefined();

  for (const { viewers, publisher } of lives) {
    for (const viewer of viewers) viewer.socket.close();
    publisher.close();
  }
  sleeper.socket.close();
}, 150_000);

test("E3 E4 a receiver that is dead ends among the dead, is shown, and gets it when it is sent again", async () => {
  const room = await createRoom(runtime.url);
  const api = new RoomApi(runtime.url, room);
  const { secret } = await api.ask<{ secret: string }>("GET", "/webhook");
  await using dead = await WebhookReceiver.start(secret);
  dead.status = 500;
  expect(await api.ask("PUT", "/webhook", { url: dead.url })).toEqual({ url: dead.url, secret });
  await api.ask("PATCH", "", { settings: { title: "for a dead receiver" } });
  const found = await waitFor(
    "a dead delivery",
    async () => {
      const { deliveries } = await runtime.ask<Deliveries>(`/api/deliveries?room=${room.room}&status=dead`);
      return deliveries.find(({ type }) => type === "room.changed");
    },
    30_000,
  );
  expect(found).toMatchObject({ owner: "room", url: dead.url, answer: "500" });
  expect(found.attempts).toBeGreaterThan(3);
  expect(dead.received).toEqual([]);
  dead.status = 200;
  const again = await fetch(`${runtime.url}/api/deliveries/${found.id}`, {
    method: "POST",
    headers: { authorization: `Bearer ${SECRET}` },
  });
  expect(again.status).toBe(204);
  await waitFor("it to arrive", () => dead.received.length > 0, 20_000);
  expect(dead.received[0]).toMatchObject({ type: "room.changed", data: { state: { title: "for a dead receiver" } } });
  expect(dead.faults).toEqual([]);
  await waitFor("it to be shown", async () => {
    const { deliveries } = await runtime.ask<Deliveries>(`/api/deliveries?room=${room.room}&status=delivered`);
    return deliveries.some(({ id }) => id === found.id);
  });
});

test("E4 a redirect is not followed", async () => {
  const room = await createRoom(runtime.url);
  const api = new RoomApi(runtime.url, room);
  const { secret } = await api.ask<{ secret: string }>("GET", "/webhook");
  await using target = await WebhookReceiver.start(secret);
  await using source = await WebhookReceiver.start(secret);
  source.status = 307;
  source.location = target.url;
  await api.ask("PUT", "/webhook", { url: source.url });
  await api.ask("PATCH", "", { settings: { title: "x" } });
  const { answer } = await waitFor(
    "a dead delivery",
    async () => {
      const { deliveries } = await runtime.ask<Deliveries>(`/api/deliveries?room=${room.room}&status=dead`);
      return deliveries[0];
    },
    30_000,
  );
  expect(answer).toBe("307: redirects are not followed");
  expect([source.requests > 3, target.requests]).toEqual([true, 0]);
});

test("E5 metrics are for Prometheus, and for whoever has the key", async () => {
  expect((await fetch(`${split.api}/metrics`)).status).toBe(401);
  const response = await fetch(`${split.api}/metrics`, { headers: { authorization: `Bearer ${SECRET}` } });
  const text = await response.text();
  expect(response.headers.get("content-type")).toContain("text/plain; version=0.0.4");
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  for (const line of lines) expect(line).toMatch(/^roomcast_[a-z_]+(\{[a-z]+="[^"]*"\})? \d+(\.\d+)?(e-?\d+)?$/);
  expect(text).toContain(`roomcast_rooms{state="closed"} ${ROOMS / 2}\n`);
  expect(text).toMatch(/^roomcast_received_bytes_total [1-9]\d+$/m);
  const { usage } = await split.ask<{ usage: { room: string; usage: { messages: number }; cost: number }[] }>(
    "/api/usage?room=room-7",
  );
  expect(usage).toHaveLength(1);
  expect(usage[0]?.usage.messages).toBeGreaterThan(0);
  expect(usage[0]?.cost).toBeGreaterThan(0);
});

test("E1 E6 a recording that begins, fails and ends is told to the receiver, and its writes are in the cost", async () => {
  const { room, tokens } = await createRecordedRoom(runtime.url, { title: "recorded" });
  const publisher = new Publisher({ url: runtime.url, room, token: tokens.publish, environment: nodeEnvironment });
  await publisher.ready();
  await publisher.write([{ payload: new Uint8Array(100_000), flags: Flag.key }]);
  await publisher.end();
  publisher.close();
  const types = () =>
    new Map(
      receiver.received
        .filter(({ type, data }) => data.room === room && type.startsWith("recording."))
        .map(({ type, data }) => [data.number, `${type} ${data.about}`]),
    );
  await waitFor("the events of the recording", () => types().size >= 3, 60_000);
  const inOrder = [...types()].sort(([one], [other]) => one - other).map(([, type]) => type);
  expect(inOrder).toEqual(["recording.started main", "recording.segment_failed main", "recording.ended main"]);
  const headers = { authorization: `Bearer ${tokens.admin}` };
  const response = await fetch(`${runtime.url}/api/rooms/${room}`, { headers });
  const { cost } = (await response.json()) as { cost: { parts: { storage: number }; usage: Record<string, number> } };
  // Seven were refused.
  expect(cost.usage.storageWrites).toBe(8);
  expect(cost.usage.storedByteMs).toBeGreaterThan(0);
  expect(cost.parts.storage).toBeGreaterThan((8 * 4.5) / 1e6 - 1e-9);
});
