// `roomcast serve` for an operator: its first start, restarts, killed parts, and its end.
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { TestRoom } from "../support/local-room.ts";
import { isRunning, Process } from "../support/processes.ts";
import { produce } from "../support/producer.ts";
import { RawSubscriber } from "../support/raw-subscriber.ts";
import { Recorder } from "../support/recorder.ts";
import { RoomRecordings } from "../support/recordings.ts";
import { ServeProcess } from "../support/serve-process.ts";
import { waitFor } from "../support/wait.ts";

/** Four subscribers of one object, so that a few more need a relay. */
const ARGS = ["--trust-proxy", "127.0.0.1", "--var", "MAX_OBJECT_SUBSCRIBERS=4"];

let folder: string;
let state: string;
/** One after the other on the same state: a test that ends it starts the next one. */
let server: ServeProcess;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "roomcast-serve-"));
  state = join(folder, "state");
  server = await ServeProcess.start(state);
});

afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

async function startAgain(): Promise<void> {
  server = await ServeProcess.start(state, { listen: server.listen, args: ARGS });
}

async function create(settings: object = {}): Promise<TestRoom> {
  const headers = { authorization: `Bearer ${server.operatorKey}` };
  const response = await fetch(`${server.url}/api/rooms`, {
    method: "POST",
    headers,
    body: JSON.stringify({ settings }),
  });
  expect(response.status).toBe(201);
  return (await response.json()) as TestRoom;
}

async function statusOf(room: string, token: string): Promise<string> {
  const response = await fetch(`${server.url}/api/rooms/${room}`, { headers: { authorization: `Bearer ${token}` } });
  const body = (await response.json()) as { code?: string; room?: string };
  return `${response.status} ${body.code ?? body.room}`;
}

const websocketOf = ({ room }: TestRoom) => `${server.url.replace("http", "ws")}/rooms/${room}/ws`;

test("its secrets are made once, for nobody else to read; rooms, tokens, revocations and alarms outlive it", async () => {
  expect((await stat(join(state, "secrets.env"))).mode & 0o777).toBe(0o600);
  const key = server.operatorKey;
  expect(server.process.stderr).not.toContain(key);
  expect((await fetch(`${server.url}/api/rooms`, { method: "POST", body: "{}" })).status).toBe(401);
  const [kept, brief] = [await create({ title: "kept" }), await create({ idleExpirySeconds: 1 })];
  const headers = { authorization: `Bearer ${kept.tokens.admin}` };
  const minted = await fetch(`${server.url}/api/rooms/${kept.room}/tokens`, {
    method: "POST",
    headers,
    body: JSON.stringify({ can: ["subscribe"], ttlSeconds: 60 }),
  });
  const { token, jti } = (await minted.json()) as { token: string; jti: string };
  const revoked = await fetch(`${server.url}/api/rooms/${kept.room}/revocations`, {
    method: "POST",
    headers,
    body: JSON.stringify({ jti }),
  });
  expect(revoked.status).toBe(201);
  expect(await server.stop()).toMatchObject({ code: 0 });
  await startAgain();
  expect(server.operatorKey).toBe(key);
  expect(await statusOf(kept.room, kept.tokens.subscribe)).toBe(`200 ${kept.room}`);
  expect(await statusOf(kept.room, token)).toBe("401 token_revoked");
  await waitFor("the alarm", async () => (await statusOf(brief.room, brief.tokens.admin)) === "410 room_closed");
  const page = await fetch(`${server.url}/rooms/${kept.room}`);
  expect([page.status, page.headers.get("content-security-policy")]).toEqual([200, expect.stringContaining("'none'")]);
  const script = await fetch(`${server.url}/app.js`);
  expect([script.status, script.headers.get("content-type")]).toEqual([200, expect.stringContaining("javascript")]);
});

test("kill -9 of the runtime or the bridge in mid-stream: both are there again, and nothing is lost or told wrong", async () => {
  const room = await create();
  const target = { url: server.url, room: room.room, token: room.tokens.subscribe };
  await using recorder = await Recorder.join(target);
  const written: Buffer[] = [];
  let isOver = false;
  async function* stream() {
    for (let index = 0; !isOver; index++) {
      const record = Buffer.alloc(1000, index);
      record.writeUInt32BE(index);
      written.push(record);
      yield record;
      await sleep(5);
    }
  }
  const sending = produce(server.ingestPort, { room: room.room, token: room.tokens.publish }, stream());
  await recorder.subscriber.until("some of it", () => recorder.bytes.length > 50_000);
  await server.kill("workerd");
  const before = recorder.bytes.length;
  await recorder.subscriber.until("more of it", () => recorder.bytes.length > before + 50_000);
  isOver = true;
  await sending;
  const sent = Buffer.concat(written);
  await recorder.subscriber.until("the end", () => recorder.endsWith(sent.subarray(-100)));
  // At most the data on its way between the room and the subscriber, which is reported as a gap.
  expect(recorder.missingFrom(sent)).toBeLessThan(100_000);
  await server.kill("bridge");
  expect(await server.health()).toMatchObject({
    status: 200,
    ok: true,
    worker: { restarts: 1 },
    bridge: { restarts: 1 },
  });
  expect(await server.metrics()).toMatch(
    /roomcast_serve_restarts\{part="worker"\} 1\n(?:.*\n)*roomcast_bridge_producers 0\n/,
  );
});

test("A3 A6 a room is recorded into a folder of the state, and deleted from there", async () => {
  const room = await create({ recording: "all" });
  const recordings = new RoomRecordings(server.url, room);
  const args = ["send", room.room, "--ingest", `127.0.0.1:${server.ingestPort}`, "--framing", "lines"];
  await using send = Process.roomcast(args, { env: { ROOMCAST_TOKEN: room.tokens.publish } });
  send.child.stdin?.end("one\ntwo\nthree\n");
  await send.succeeds();
  await recordings.ended();
  expect((await recordings.download()).toString()).toBe("onetwothree");
  const part = await recordings.ask("/tracks/main/recording", { headers: { range: "bytes=2-6" } });
  expect([part.status, await part.text()]).toEqual([206, "etwot"]);
  const objects = join(state, "recordings/recordings", room.room, "main");
  expect(await readdir(objects)).toHaveLength(1);
  const gone = await recordings.ask("/recordings", { method: "DELETE", token: room.tokens.admin });
  expect(gone.status).toBe(204);
  expect(await readdir(objects)).toEqual([]);
});

test("attempts of an address are limited, and a trusted proxy says whose they are", async () => {
  const createFrom = async (forwardedFor: string) => {
    const authorization = `Bearer ${server.operatorKey}`;
    const headers = { authorization, "x-forwarded-for": forwardedFor, "x-forwarded-proto": "https" };
    const response = await fetch(`${server.url}/api/rooms`, { method: "POST", headers, body: "{}" });
    return { status: response.status, links: ((await response.json()) as TestRoom).links };
  };
  const { status, links } = await createFrom("203.0.113.7");
  expect([status, links.page.split(":")[0]]).toEqual([201, "https"]);
  const more = await Promise.all(Array.from({ length: 60 }, (_, index) => createFrom(`10.0.0.${index}, 203.0.113.7`)));
  expect(more.filter((one) => one.status === 429)).toHaveLength(1);
  expect((await createFrom("203.0.113.8")).status).toBe(201);
});

test("a state folder has one server; leftovers of a killed one are ended by the next", async () => {
  await using other = Process.roomcast(["serve", "--listen", "127.0.0.1:0", "--state", state]);
  expect(await other.exit).toBe(2);
  expect(other.stderr).toContain("is in use by process");
  const left = [server.pidOf("workerd"), server.pidOf("bridge")];
  server.process.child.kill("SIGKILL");
  await server.process.exit;
  expect(left.map(isRunning)).toEqual([true, true]);
  await startAgain();
  expect(left.map(isRunning)).toEqual([false, false]);
  expect(await readFile(join(state, "run/processes.json"), "utf8")).toContain(String(server.pidOf("workerd")));
});

/** Starts a server that should fail, with its own state folder. */
function attempt(name: string, env: Record<string, string>, ...args: string[]): Process {
  const places = ["--ingest", "127.0.0.1:0", "--status", "127.0.0.1:0", "--state", join(folder, name)];
  return Process.roomcast(["serve", ...places, ...args], { env });
}

test("an error that no attempt can solve ends it; it waits for a bucket that may appear, until it is stopped", async () => {
  const secret = "s".repeat(40);
  const secrets = { TOKEN_SECRET: secret, OPERATOR_KEY: secret, CLUSTER_KEY: secret };
  const nowhere = { AWS_ENDPOINT_URL: "http://127.0.0.1:9", AWS_ACCESS_KEY_ID: "a", AWS_SECRET_ACCESS_KEY: "b" };
  const clustered = ["--listen", "127.0.0.1:0", "--cluster", "s3://no/bucket", "--cluster-address", "127.0.0.1:0"];
  await using taken = attempt("taken", {}, "--listen", server.listen);
  await using short = attempt("short", { TOKEN_SECRET: "short" }, "--listen", "127.0.0.1:0");
  await using early = attempt("early", { ...secrets, ...nowhere }, ...clustered);
  expect([await taken.exit, taken.stderr]).toEqual([
    1,
    expect.stringMatching(/Address already in use(?:.*\n)*.*did not start/),
  ]);
  expect([await short.exit, short.stderr]).toEqual([2, expect.stringContaining("TOKEN_SECRET is shorter than 32")]);
  await early.says(/ended unexpectedly(?:.*\n)*.*ended unexpectedly/, 60_000);
  early.child.kill("SIGTERM");
  expect(await early.exit).toBe(0);
});

test("SIGTERM: every client gets 4000; one that does not answer delays the end by 5 s", async () => {
  const [first, second] = [await create(), await create()];
  const clients: RawSubscriber[] = [];
  for (const [index, room] of [second, ...Array<TestRoom>(9).fill(first)].entries()) {
    const one = new RawSubscriber(websocketOf(room), room.tokens.subscribe, { framed: index !== 1 });
    clients.push(await one.opened());
  }
  const isSpread = async () => {
    const { rooms, relays = 0 } = (await server.health()).worker;
    return rooms === 2 && relays > 0;
  };
  await waitFor("both rooms and a relay to be counted", isSpread, 30_000);
  const prompt = await server.stop();
  expect(prompt).toMatchObject({ code: 0 });
  expect(server.process.stderr).toContain('"recalled":10,"unanswered":0');
  await waitFor("the closes", () => clients.every(({ closed }) => closed));
  for (const { closed } of clients)
    expect(closed).toEqual({ code: 4000, reason: expect.stringMatching(/^going_away retry=\d+$/) });
  await startAgain();
  const deaf = await new RawSubscriber(websocketOf(first), first.tokens.subscribe, { framed: true }).opened();
  deaf.socket.pause();
  const late = await server.stop();
  expect(late).toMatchObject({ code: 0 });
  // 6 s, and a reserve for a busy machine: without a limit it would last as long as the deaf client.
  expect(late.ms).toBeLessThan(30_000);
  expect(server.process.stderr).toContain('"recalled":1,"unanswered":1');
  deaf.socket.terminate();
});
