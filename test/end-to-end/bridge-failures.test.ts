// Failures between a producer and its subscribers: the Worker dies, the network breaks, the bridge dies.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { nodeEnvironment } from "../../client/node.ts";
import { DEFAULT_TRACK } from "../../protocol/names.ts";
import { formatPreamble } from "../../protocol/preamble.ts";
import { Producer } from "../ingest-bridge/support/producer.ts";
import { startBridgeProcess, startTestBridge } from "../support/bridge.ts";
import { ChaosProxy, randomFrom } from "../support/chaos-proxy.ts";
import { liveMedia } from "../support/ffmpeg.ts";
import { createRoom, reliableToken, type TestRoom } from "../support/local-room.ts";
import { Process } from "../support/processes.ts";
import { produce } from "../support/producer.ts";
import { Recorder } from "../support/recorder.ts";
import { WorkerProcess } from "../support/worker-process.ts";

/** `npm run soak` has the long form. */
const [CHAOS_SECONDS, DEAD_SECONDS] = process.env.ROOMCAST_LONG === "1" ? [60, 10] : [12, 4];

let worker: WorkerProcess;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "roomcast-failures-"));
  worker = await WorkerProcess.start(join(folder, "state"));
});

afterAll(async () => {
  await worker?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const targetOf = (room: TestRoom) => ({ url: worker.url, room: room.room, token: room.tokens.subscribe });

const reliableTo = async (room: TestRoom) => ({ ...targetOf(room), token: await reliableToken(room.room) });

/** Reconnects soon: these tests break more connections than a day does. */
const HASTY = { ...nodeEnvironment, random: () => 0.1 };

describe("nothing is lost where", () => {
  test("T15 the network between bridge and Worker cuts, half-closes, delays and throttles", async () => {
    const room = await createRoom(worker.url);
    await using proxy = await ChaosProxy.start(Number(new URL(worker.url).port), 20_261_124);
    await using bridge = await startTestBridge(proxy.url, { services: { environment: HASTY } });
    await using live = await Recorder.join(targetOf(room));
    await using reliable = await Recorder.join(await reliableTo(room), "reliable");
    const random = randomFrom(7);
    const written: Buffer[] = [];
    async function* stream() {
      const end = performance.now() + CHAOS_SECONDS * 1000;
      const isDisturbed = () => proxy.mischief.cuts + proxy.mischief.halfCloses > 2 && proxy.mischief.delays > 2;
      while (performance.now() < end || !isDisturbed()) {
        const bytes = Buffer.from(Array.from({ length: 4000 + random() * 4000 }, () => random() * 256));
        written.push(bytes);
        yield bytes;
        await sleep(25);
      }
      proxy.relent();
    }
    const bytes = await produce(bridge.port, { room: room.room, token: room.tokens.publish }, stream());
    const sent = Buffer.concat(written);
    for (const recorder of [live, reliable]) await recorder.subscriber.received(bytes);
    expect([live.bytes.equals(sent), reliable.bytes.equals(sent)]).toEqual([true, true]);
    expect([...live.gaps, ...reliable.gaps]).toEqual([]);
    expect(new Set([...live.epochs, ...reliable.epochs]).size).toBe(1);
  });

  test("T15 P2 the Worker is killed in the middle of a stream and restarts: its losses are reported", async () => {
    const room = await createRoom(worker.url);
    const ingest = await startTestBridge(worker.url, { services: { environment: HASTY } });
    await using bridge = ingest;
    await using first = await Recorder.join(targetOf(room));
    await using second = await Recorder.join(await reliableTo(room), "reliable");
    const file = join(folder, "killed.ts");
    const env = { ROOMCAST_TOKEN: room.tokens.publish };
    const args = ["send", room.room, "--ingest", `127.0.0.1:${bridge.port}`, "--framing", "mpegts"];
    await using send = Process.roomcast(args, { env });
    await using ffmpeg = liveMedia({ seconds: DEAD_SECONDS + 7, gop: 30, outputs: ["pipe:1", file] });
    send.reads(ffmpeg.child.stdout);
    await first.subscriber.until("a second of it", () => first.subscriber.bytes > 300_000);
    await worker.kill();
    await sleep(DEAD_SECONDS * 1000);
    await worker.restart();
    await Promise.all([ffmpeg.succeeds(), send.succeeds()]);
    const sent = await readFile(file);
    for (const recorder of [first, second]) {
      await recorder.subscriber.until("the last packet", () => recorder.endsWith(sent.subarray(-188)), 40_000);
    }
    const missing = [first, second].map((recorder) => recorder.missingFrom(sent));
    // At most the data on its way between the room and its subscribers: less than what came while the Worker was dead.
    for (const bytes of missing) expect(bytes).toBeLessThan(DEAD_SECONDS * 200_000);
    expect(send.stderr).toBe("");
  });
});

test("T20 kill -9 of the bridge: the source is offline, and a new bridge continues in a new epoch", async () => {
  const room = await createRoom(worker.url);
  await using recorder = await Recorder.join(targetOf(room));
  const introduction = { room: room.room, token: room.tokens.publish, framing: "length32" } as const;
  async function* records(count: number) {
    for (let index = 0; index < count; index++) {
      yield Buffer.from([0, 0, 0, 2, 7, index]);
      await sleep(20);
    }
  }
  {
    await using bridge = await startBridgeProcess(worker.url);
    const producer = await Producer.connect(bridge.port, formatPreamble({ ...introduction, track: DEFAULT_TRACK }));
    for await (const record of records(10)) producer.socket.write(record);
    await recorder.subscriber.until("some frames", () => recorder.subscriber.frames >= 10);
    bridge.process.child.kill("SIGKILL");
    await producer.hungUp();
    await recorder.subscriber.until("the source's end", () => recorder.subscriber.offline > 0);
  }
  await using bridge = await startBridgeProcess(worker.url);
  const before = recorder.subscriber.frames;
  await produce(bridge.port, introduction, records(20));
  await recorder.subscriber.until("the new frames", () => recorder.subscriber.frames >= before + 20);
  expect(recorder.epochs).toHaveLength(2);
  expect(recorder.gaps.filter(({ reason }) => reason !== "epoch")).toEqual([]);
});
