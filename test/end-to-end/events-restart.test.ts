// A machine that dies with its queue in memory: rooms, index and webhooks agree again later.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type * as z from "zod/mini";
import { freePort } from "../../cli/free-port.ts";
import type { Runtime } from "../../cli/runtime.ts";
import { nodeEnvironment } from "../../client/node.ts";
import { Publisher } from "../../client/publisher.ts";
import { Subscriber } from "../../client/subscriber.ts";
import type { roomsAnswer } from "../../worker/operators/schemas.ts";
import { createRoom, SECRET, startTestRuntime, type TestRoom } from "../support/local-room.ts";
import { RoomApi } from "../support/room-api.ts";
import { waitFor } from "../support/wait.ts";

/** Rooms of each kind. */
const ROOMS = 6;

let state: string;
let port: number;
let runtime: Runtime;
const start = () => startTestRuntime({ port, state, events: true, vars: { LIMITS: "off" } });
/** Miniflare ends workerd with SIGKILL; its queues are in memory. */
const restart = async () => {
  await runtime.close();
  runtime = await start();
};
beforeAll(async () => {
  state = await mkdtemp(join(tmpdir(), "roomcast-restart-"));
  port = await freePort();
  runtime = await start();
});
afterAll(async () => {
  await runtime.close();
  await rm(state, { recursive: true, force: true });
});

interface Told {
  readonly room: string;
  readonly state: string;
  readonly title: string;
  readonly subscribers: number;
  readonly online: boolean;
}

async function indexed(): Promise<Told[]> {
  const headers = { authorization: `Bearer ${SECRET}` };
  const response = await fetch(`${runtime.url}/api/rooms?limit=100`, { headers });
  const { rooms } = (await response.json()) as z.infer<typeof roomsAnswer>;
  return rooms.map(({ room, state, title, subscribers, sources }) => {
    return { room, state, title, subscribers, online: sources.some(({ online }) => online) };
  });
}

/** The errors of the index for these rooms. */
async function wrong(truth: readonly Told[]): Promise<string[]> {
  const known = new Map((await indexed()).map((told) => [told.room, JSON.stringify(told)]));
  return truth.filter((told) => known.get(told.room) !== JSON.stringify(told)).map(({ room }) => room);
}

test("E1 E2 what the queue has lost is made good by the room's next event, or when the index asks the room", async () => {
  const create = (kind: string) =>
    Promise.all(Array.from({ length: ROOMS }, (_, index) => createRoom(runtime.url, `${kind}-${index}`)));
  const [live, closed, quiet] = await Promise.all([create("live"), create("closed"), create("quiet")]);
  const { url } = runtime;
  const clients = live.map(({ room, tokens }) => {
    const both = { url, room, environment: nodeEnvironment };
    const subscriber = new Subscriber({ ...both, token: tokens.subscribe });
    void (async () => {
      for await (const _ of subscriber);
    })();
    return { subscriber, publisher: new Publisher({ ...both, token: tokens.publish }) };
  });
  const at = (room: TestRoom, change: Partial<Told> = {}): Told => ({
    ...{ room: room.room, state: "open", title: "", subscribers: 0, online: false },
    ...change,
  });
  const streamed = live.map((room) => at(room, { subscribers: 1, online: true }));
  const before = [...streamed, ...closed.map((room) => at(room)), ...quiet.map((room) => at(room))];
  await waitFor("the index to know all", async () => (await wrong(before)).length === 0, 30_000);

  // The machine dies as soon as it has answered. No client joins these rooms again. If it was slow, the queue may have
  // passed everything on before it died: then it dies once more.
  await Promise.all(closed.map((room) => new RoomApi(url, room).ask("DELETE", "")));
  let truth: Told[] = [];
  let lost: string[] = [];
  for (let turn = 1; turn <= 5 && lost.length === 0; turn++) {
    const title = `new ${turn}`;
    await Promise.all(quiet.map((room) => new RoomApi(url, room).ask("PATCH", "", { settings: { title } })));
    await restart();
    await waitFor("rooms with somebody in them to be told of", async () => (await wrong(streamed)).length === 0);
    truth = [
      ...streamed,
      ...closed.map((room) => at(room, { state: "closed" })),
      ...quiet.map((room) => at(room, { title })),
    ];
    lost = await wrong(truth);
  }
  expect(lost.length).toBeGreaterThan(0);

  // For the index, a day passes.
  const index = await runtime.miniflare.getD1Database("INDEX", "roomcast");
  await index.prepare("UPDATE rooms SET at = at - 86400000").run();
  await restart();
  await waitFor("the index to be the truth", async () => (await wrong(truth)).length === 0, 30_000);
  for (const { subscriber, publisher } of clients) {
    subscriber.close();
    publisher.close();
  }
});
