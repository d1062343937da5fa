// Events, the index and webhooks of `roomcast serve`, where objects stand in for D1 and Queues.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import type * as z from "zod/mini";
import { freePort } from "../../cli/free-port.ts";
import { type deliveriesAnswer, roomsAnswer, usageAnswer } from "../../worker/operators/schemas.ts";
import type { TestRoom } from "../support/local-room.ts";
import { produce } from "../support/producer.ts";
import { RoomApi } from "../support/room-api.ts";
import { ServeProcess } from "../support/serve-process.ts";
import { waitFor } from "../support/wait.ts";
import { WebhookReceiver } from "../support/webhook-receiver.ts";

/** `npm run soak -- long` also runs the attempts of a webhook to the last one. */
const IS_LONG = process.env.ROOMCAST_LONG === "1";

type Rooms = z.infer<typeof roomsAnswer>;
type Deliveries = z.infer<typeof deliveriesAnswer>;

let folder: string;
let state: string;
let receiverPort: number;
let server: ServeProcess;
let key: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "roomcast-events-"));
  state = join(folder, "state");
  receiverPort = await freePort();
  await start(5);
  key = server.operatorKey;
});

afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** Nobody has to listen at the address of webhooks. */
async function start(retrySeconds: number): Promise<void> {
  const vars = {
    WEBHOOK_URL: `http://127.0.0.1:${receiverPort}/hook`,
    WEBHOOK_LOCAL: "on",
    WEBHOOK_RETRY_SECONDS: String(retrySeconds),
  };
  const args = Object.entries(vars).flatMap(([name, value]) => ["--var", `${name}=${value}`]);
  server = await ServeProcess.start(state, { args });
}

async function receiver(status = 204): Promise<WebhookReceiver> {
  const { WEBHOOK_SECRET = "" } = parseEnv(await readFile(join(state, "secrets.env"), "utf8"));
  const found = await WebhookReceiver.start(WEBHOOK_SECRET, receiverPort);
  found.status = status;
  return found;
}

async function create(id: string): Promise<TestRoom> {
  const headers = { authorization: `Bearer ${key}` };
  const response = await fetch(`${server.url}/api/rooms`, { method: "POST", headers, body: JSON.stringify({ id }) });
  expect(response.status).toBe(201);
  return (await response.json()) as TestRoom;
}

async function ask<T>(path: string): Promise<T> {
  const response = await fetch(server.url + path, { headers: { authorization: `Bearer ${key}` } });
  if (!response.ok) throw new Error(`${path}: ${await response.text()}`);
  return (await response.json()) as T;
}

/** As the index has it. */
const indexed = async (room: string) => (await ask<Rooms>("/api/rooms")).rooms.find((one) => one.room === room);
const deliveries = async (query: string) => (await ask<Deliveries>(`/api/deliveries?${query}`)).deliveries;

test("E2 E5 what there is not is named at the start; rooms, usage, metrics and the console are there", async () => {
  expect(server.process.stderr).toMatch(/"off":\["ANALYTICS"\]/);
  const room = await create("listed");
  await produce(server.ingestPort, { room: "listed", token: room.tokens.publish }, [Buffer.alloc(10_000)]);
  const row = await waitFor("the room in the index", () => indexed("listed"));
  expect(row).toMatchObject({ state: "open", title: "" });
  expect(roomsAnswer.safeParse(await ask("/api/rooms")).error).toBeUndefined();
  const usage = await ask<z.infer<typeof usageAnswer>>("/api/usage?room=listed");
  expect(usageAnswer.safeParse(usage).error).toBeUndefined();
  expect(usage.usage).toHaveLength(1);
  expect((await fetch(`${server.url}/metrics`)).status).toBe(401);
  const metrics = await fetch(`${server.url}/metrics`, { headers: { authorization: `Bearer ${key}` } });
  expect(await metrics.text()).toMatch(/^roomcast_rooms\{state="open"\} 1$/m);
  const page = await fetch(`${server.url}/console`);
  expect([page.status, await page.text()]).toEqual([200, expect.stringContaining("console.js")]);
});

test("E3 a webhook whose receiver is not there waits, outlives a restart, and arrives, signed", async () => {
  await create("patient");
  const waiting = await waitFor("an attempt", async () =>
    (await deliveries("room=patient")).find(({ type, attempts }) => type === "room.created" && attempts > 0),
  );
  expect(waiting).toMatchObject({ status: "waiting", owner: "operator" });
  expect(await server.stop()).toMatchObject({ code: 0 });
  await using found = await receiver();
  await start(0);
  const arrived = await waitFor("the webhook", () => found.received.find(({ data }) => data.room === "patient"));
  expect(arrived).toMatchObject({ type: "room.created", data: { number: 1 } });
  expect(found.faults).toEqual([]);
  await waitFor("it to be shown", async () => (await deliveries("room=patient&status=waiting")).length === 0);
  expect(await indexed("listed")).toMatchObject({ state: "open" });
});

test.runIf(IS_LONG)(
  "E3 E4 kill -9 of the runtime loses no webhook; one that fails too often is dead, shown, and sent again",
  async () => {
    await using found = await receiver(500);
    const room = await create("deadly");
    await waitFor("an attempt", () => found.requests > 0);
    await server.kill("workerd");
    const dead = await waitFor(
      "a dead webhook",
      async () => (await deliveries("room=deadly&status=dead")).find(({ type }) => type === "room.created"),
      60_000,
    );
    expect(dead).toMatchObject({ answer: "500" });
    expect(dead.attempts).toBeGreaterThan(9);
    found.status = 204;
    const headers = { authorization: `Bearer ${key}` };
    expect((await fetch(`${server.url}/api/deliveries/${dead.id}`, { method: "POST", headers })).status).toBe(204);
    await waitFor("it to arrive", () => found.received.some(({ data }) => data.room === "deadly" && data.number === 1));
    await new RoomApi(server.url, room).ask("DELETE", "");
    await waitFor("the end in the index", async () => (await indexed("deadly"))?.state === "closed");
    await waitFor("the end at the receiver", () => found.received.some(({ type }) => type === "room.closed"));
    expect(found.faults).toEqual([]);
  },
);
