// Two servers that share a bucket: one room for the viewers of both, even if its server dies.
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import type * as z from "zod/mini";
import type { roomsAnswer } from "../../worker/operators/schemas.ts";
import { RecordStream, TestCluster } from "../support/cluster.ts";
import { RawSubscriber } from "../support/raw-subscriber.ts";
import { RoomRecordings, sha256 } from "../support/recordings.ts";
import { SECRET } from "../support/secret.ts";
import { waitFor } from "../support/wait.ts";
import { WebhookReceiver } from "../support/webhook-receiver.ts";

/** Leases of 5 s; a busy machine would miss shorter ones. `npm run soak -- cluster` has the real ones. */
const TIME_DIVISOR = 4;
const BACK_MS = 60_000;
/** Limits of one object, and of the room, so that a relay needs relays of its own. */
const OBJECT_VIEWERS = 4;
const VIEWERS = 15;

/** Well below the lease of 5 s. */
const NO_BUCKET_MS = 1500;
type Rooms = z.infer<typeof roomsAnswer>["rooms"];
const WEBHOOK_SECRET = `whsec_${randomBytes(32).toString("base64")}`;

let folder: string;
let cluster: TestCluster;
let receiver: WebhookReceiver;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "roomcast-cluster-"));
  receiver = await WebhookReceiver.start(WEBHOOK_SECRET);
  cluster = await TestCluster.start(folder, 2, TIME_DIVISOR, {
    MAX_OBJECT_SUBSCRIBERS: String(OBJECT_VIEWERS),
    ROOMCAST_RECORDINGS: "s3://bucket/recorded",
    WEBHOOK_URL: receiver.url,
    WEBHOOK_LOCAL: "on",
    WEBHOOK_SECRET,
    WEBHOOK_RETRY_SECONDS: "5",
  });
}, 120_000);

afterAll(async () => {
  await cluster?.[Symbol.asyncDispose]();
  await receiver?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

test("a room that outgrows an object has relays, and relays below them: the same bytes for everybody", async () => {
  const room = await cluster.createRoom();
  const viewers = [];
  for (let index = 0; index < VIEWERS; index++) viewers.push(await cluster.join(room, index % 2));
  // Each server has started some of them.
  const relaysAt = await Promise.all(cluster.servers.map(async (server) => (await server.health()).worker.relays));
  expect(relaysAt.filter((count) => count === undefined || count === 0)).toEqual([]);
  const stream = new RecordStream(cluster.server(1), room, 20);
  for (const one of viewers) await one.subscriber.until("some of it", () => one.bytes.length > 5000, BACK_MS);
  await stream.end();
  for (const one of viewers) {
    await one.subscriber.until("the end", () => one.endsWith(stream.sent.subarray(-100)), BACK_MS);
    expect(stream.sent.subarray(-one.bytes.length).equals(one.bytes)).toBe(true);
    await one[Symbol.asyncDispose]();
  }
  const headers = { authorization: `Bearer ${room.tokens.admin}` };
  const told = await (await fetch(`${cluster.server(1).url}/api/rooms/${room.room}`, { headers })).json();
  const { relays } = told as { relays: { parent: string }[] };
  expect(relays.some(({ parent }) => parent !== room.room)).toBe(true);
});

test("a room is recorded into a bucket: both have the recording, and it is deleted to the last object", async () => {
  const room = await cluster.createRoom({ recording: "all" });
  const stream = new RecordStream(cluster.server(1), room);
  await using viewer = await cluster.join(room, 1);
  await viewer.subscriber.until("some of it", () => viewer.bytes.length > 500_000, BACK_MS);
  await stream.end();
  const both = cluster.servers.map(({ url }) => new RoomRecordings(url, room));
  for (const recordings of both) {
    await recordings.ended("main", BACK_MS);
    expect(sha256(await recordings.download())).toBe(sha256(stream.sent));
  }
  expect(cluster.bucket.keys(`recorded/recordings/${room.room}/main/`).length).toBeGreaterThan(0);
  const gone = await both[1]?.ask("/recordings", { method: "DELETE", token: room.tokens.admin });
  expect(gone?.status).toBe(204);
  expect(cluster.bucket.keys("recorded/")).toEqual([]);
  expect(cluster.bucket.faults).toEqual([]);
});

/** The room as the index has it, asked through a server. */
async function indexed(index: number, room: string): Promise<Rooms[number] | undefined> {
  const headers = { authorization: `Bearer ${SECRET}` };
  const response = await fetch(`${cluster.server(index).url}/api/rooms`, { headers });
  if (!response.ok) return undefined;
  const { rooms } = (await response.json()) as { rooms: Rooms };
  return rooms.find((one) => one.room === room);
}

const isIn = (index: number, room: string, state: string) => async () => (await indexed(index, room))?.state === state;

const isTold = (room: string, type: string) =>
  receiver.received.some((event) => event.data.room === room && event.type === type);

test("both have the same index, and webhooks arrive, also after the one with the queues was killed", async () => {
  const { room, tokens } = await cluster.createRoom();
  for (const index of [0, 1]) await waitFor("the room", isIn(index, room, "open"), BACK_MS);
  await waitFor("the webhook", () => isTold(room, "room.created"), BACK_MS);
  receiver.status = 500;
  const { room: late } = await cluster.createRoom();
  const { requests } = receiver;
  await waitFor("an attempt", () => receiver.requests > requests, BACK_MS);
  await cluster.server(0).kill("workerd");
  receiver.status = 204;
  await waitFor("what waited", () => isTold(late, "room.created"), BACK_MS);
  const url = `${cluster.server(1).url}/api/rooms/${room}`;
  const close = () => fetch(url, { method: "DELETE", headers: { authorization: `Bearer ${tokens.admin}` } });
  await waitFor("the end of the room", async () => (await close()).status === 204, BACK_MS);
  for (const index of [0, 1]) await waitFor("its end", isIn(index, room, "closed"), BACK_MS);
  await waitFor("the webhook", () => isTold(room, "room.closed"), BACK_MS);
  expect(receiver.faults).toEqual([]);
});

test("without the bucket frames go on, what has to be stored waits or is refused, and an event is told later", async () => {
  const room = await cluster.createRoom();
  await using viewer = await cluster.join(room, 1, "main");
  const stream = new RecordStream(cluster.server(1), room);
  await viewer.subscriber.until("some of it", () => viewer.bytes.length > 50_000, BACK_MS);
  const isOnline = (track: string) => async () =>
    (await indexed(1, room.room))?.sources.some((source) => source.track === track && source.online);
  await waitFor("the stream in the index", isOnline("main"), BACK_MS);
  cluster.bucket.isGone = true;
  const before = viewer.bytes.length;
  const second = new RecordStream(cluster.server(1), room, 20, "second");
  const change = fetch(`${cluster.server(1).url}/api/rooms/${room.room}`, {
    method: "PATCH",
    headers: { authorization: `Bearer ${room.tokens.admin}` },
    body: JSON.stringify({ settings: { title: "changed" } }),
  });
  await sleep(NO_BUCKET_MS);
  const reached = viewer.bytes.length;
  cluster.bucket.isGone = false;
  expect(reached).toBeGreaterThan(before + 100_000);
  await waitFor("the event", isOnline("second"), BACK_MS);
  const answer = await change;
  const { code = "changed" } = (await answer.json()) as { code?: string };
  expect(["200 changed", "503 room_unavailable"]).toContain(`${answer.status} ${code}`);
  await Promise.all([stream.end(), second.end()]);
  await viewer.subscriber.until("the end", () => viewer.endsWith(stream.sent.subarray(-100)), BACK_MS);
  expect(viewer.missingFrom(stream.sent)).toBe(0);
  expect(viewer.subscriber.connects).toBe(1);
});

test("viewers at both get the same bytes; the one that has the room is killed, and nothing is lost or told wrong", async () => {
  const room = await cluster.createRoom();
  await using atOwner = await cluster.join(room, 0);
  await using atOther = await cluster.join(room, 1);
  const stream = new RecordStream(cluster.server(1), room);
  const both = [atOwner, atOther];
  for (const one of both) await one.subscriber.until("some of it", () => one.bytes.length > 50_000, BACK_MS);
  await cluster.server(0).kill("workerd");
  const reached = both.map(({ bytes }) => bytes.length);
  for (const [index, one] of both.entries()) {
    await one.subscriber.until("more", () => one.bytes.length > (reached[index] ?? 0) + 50_000, BACK_MS);
  }
  await stream.end();
  const { sent } = stream;
  for (const one of both) {
    await one.subscriber.until("the end", () => one.endsWith(sent.subarray(-100)), BACK_MS);
    // Acknowledged data that was on its way; it is reported as a gap.
    expect(one.missingFrom(sent)).toBeLessThan(50_000);
  }
});

test("SIGTERM: all clients get 4000, and find the room at the other server under the same id", async () => {
  const { room, tokens } = await cluster.createRoom();
  const clients = await Promise.all(
    cluster.servers.map(({ url }) =>
      new RawSubscriber(`${url.replace("http", "ws")}/rooms/${room}/ws`, tokens.subscribe, { framed: true }).opened(),
    ),
  );
  expect(await cluster.server(0).health()).toMatchObject({ ok: true, cluster: { ready: true } });
  const stopped = cluster.server(0).stop();
  await waitFor("the closes", () => clients.every(({ closed }) => closed));
  for (const { closed } of clients) expect(closed?.code).toBe(4000);
  const ask = () =>
    fetch(`${cluster.server(1).url}/api/rooms/${room}`, { headers: { authorization: `Bearer ${tokens.admin}` } });
  const answer = await waitFor("the room", async () => {
    const response = await ask();
    return response.status === 200 && response.json();
  });
  expect(answer).toMatchObject({ room });
  expect(await stopped).toMatchObject({ code: 0 });
});
