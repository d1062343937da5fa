// A real stream into a room of several objects, while each of them in turn falls asleep or dies.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestBridge } from "../support/bridge.ts";
import { type Fault, type FaultyRuntime, startFaultyRuntime } from "../support/faulty-runtime.ts";
import { liveFormat } from "../support/live-formats.ts";
import { createRoom, type TestRoom } from "../support/local-room.ts";
import { Process } from "../support/processes.ts";
import { Recorder } from "../support/recorder.ts";
import { RoomApi } from "../support/room-api.ts";
import { DEPTHS } from "../support/spread-room.ts";
import { waitFor } from "../support/wait.ts";
import { WorkerProcess } from "../support/worker-process.ts";

const VARS = { MAX_OBJECT_SUBSCRIBERS: "3" };

/** The long ones: `npm run soak failures` runs them. */
const isLong = process.env.ROOMCAST_LONG === "1";

let runtime: FaultyRuntime;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "roomcast-relay-faults-"));
  runtime = await startFaultyRuntime(VARS);
});

afterAll(async () => {
  await runtime?.close();
  await rm(folder, { recursive: true, force: true });
});

/** Some, until they are disposed. */
class Recorders extends Array<Recorder> implements AsyncDisposable {
  async [Symbol.asyncDispose](): Promise<void> {
    for (const one of this) await one[Symbol.asyncDispose]();
  }
}

/** Adds recorders one by one, until there is one at each depth. */
async function fill(url: string, room: TestRoom, recorders: Recorder[]): Promise<void> {
  while (recorders.length < 20) {
    recorders.push(await Recorder.join({ url, room: room.room, token: room.tokens.subscribe }));
    const seated = await new RoomApi(url, room).seats();
    if (DEPTHS.every((depth) => (seated[room.room + depth] ?? 0) > 0)) return;
  }
  throw new Error("no tree of two levels");
}

/** Resolves when all of them have got more. */
async function allGoOn(recorders: readonly Recorder[], frames = 20): Promise<void> {
  const before = recorders.map(({ subscriber }) => subscriber.frames);
  const goesOn = () => recorders.every(({ subscriber }, index) => subscriber.frames >= (before[index] ?? 0) + frames);
  await waitFor("everybody to get more", goesOn, 45_000);
}

/**
 * Streams ffmpeg into the room while `during` runs. Resolves with all sent bytes, when all recorders are at the end.
 */
async function stream(
  url: string,
  room: TestRoom,
  recorders: Recorder[],
  during: () => Promise<void>,
): Promise<Buffer> {
  await using bridge = await startTestBridge(url);
  const file = join(folder, `${room.room}.ts`);
  const args = ["send", room.room, "--ingest", `127.0.0.1:${bridge.port}`, "--framing", "mpegts"];
  await using send = Process.roomcast(args, { env: { ROOMCAST_TOKEN: room.tokens.publish } });
  await using ffmpeg = liveFormat("mpegts with H.264", 110, ["pipe:1", file]);
  send.reads(ffmpeg.child.stdout);
  await allGoOn(recorders);
  await during();
  ffmpeg.child.kill("SIGINT");
  await ffmpeg.exit;
  await send.succeeds();
  const sent = await readFile(file);
  for (const one of recorders) {
    await one.subscriber.until("the last packet", () => one.endsWith(sent.subarray(-188)), 30_000);
  }
  return sent;
}

/** Throws if a recorder misses a frame, or got one twice, without a gap. */
function tellsAll(recorders: readonly Recorder[], sent: Buffer): void {
  for (const one of recorders) one.missingFrom(sent);
  expect(new Set(recorders.flatMap(({ epochs }) => epochs)).size).toBe(1);
}

test("F5 S4 an object of the room falls asleep, or dies: each subscriber still has ffmpeg's bytes", async () => {
  const room = await createRoom(runtime.url);
  await using recorders = new Recorders();
  await fill(runtime.url, room, recorders);
  const faults: [string, Fault][] = [
    ["~enam~1", "sleep"],
    ["~enam~1", "abort"],
    ["~enam~0", "abort"],
    ["", "abort"],
    ["~enam~1", "evict"],
  ];
  const sent = await stream(runtime.url, room, recorders, async () => {
    for (const [depth, fault] of faults) {
      await runtime.fault(room.room + depth, fault);
      await allGoOn(recorders);
    }
  });
  // Nothing had to be lost, because another object still had it. A machine that is too slow for the stream skips, and
  // reports it.
  const reasons = new Set(recorders.flatMap(({ gaps }) => gaps.map(({ reason }) => reason)));
  for (const reason of reasons) expect(["lagged", "relay"]).toContain(reason);
  tellsAll(recorders, sent);
});

test.runIf(isLong)(
  "F5 S4 all objects of the room die, one shortly after the other, as in a deploy: losses are reported",
  async () => {
    const room = await createRoom(runtime.url);
    await using recorders = new Recorders();
    await fill(runtime.url, room, recorders);
    const { relays } = await new RoomApi(runtime.url, room).describe();
    const sent = await stream(runtime.url, room, recorders, async () => {
      for (const object of [`${room.room}~enam~1`, room.room, ...relays.map(({ id }) => id)]) {
        await runtime.fault(object, "abort");
        await sleep(100);
      }
      await allGoOn(recorders);
    });
    tellsAll(recorders, sent);
  },
);

test.runIf(isLong)(
  "F5 S4 kill -9 of the whole runtime: its losses are reported at a relay and at the origin",
  async () => {
    await using worker = await WorkerProcess.start(join(folder, "state"), VARS);
    const room = await createRoom(worker.url);
    await using recorders = new Recorders();
    await fill(worker.url, room, recorders);
    const before = (await new RoomApi(worker.url, room).describe()).relays;
    const sent = await stream(worker.url, room, recorders, async () => {
      await worker.kill();
      await worker.restart();
      await allGoOn(recorders);
    });
    tellsAll(recorders, sent);
    const after = (await new RoomApi(worker.url, room).describe()).relays;
    expect(after.slice(0, before.length).map(({ id }) => id)).toEqual(before.map(({ id }) => id));
  },
);
