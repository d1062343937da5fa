// A recording while everything that it needs is killed once: every line is recorded, or in a gap, and no segment is
// wrong.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestBridge, type TestBridge } from "../support/bridge.ts";
import { type FaultyRuntime, startFaultyRuntime } from "../support/faulty-runtime.ts";
import type { TestRoom } from "../support/local-room.ts";
import { Process } from "../support/processes.ts";
import { createRecordedRoom, RoomRecordings, sha256 } from "../support/recordings.ts";
import { waitFor } from "../support/wait.ts";
import { WorkerProcess } from "../support/worker-process.ts";

const LINE_BYTES = 4000;
const EVERY_MS = 20;

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "roomcast-recording-faults-"));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** Numbered lines, at a fixed rate, until it is stopped. */
class Lines implements AsyncDisposable {
  count = 0;
  readonly #send: Process;
  readonly #timer: NodeJS.Timeout;

  constructor(bridge: TestBridge, room: TestRoom) {
    const args = ["send", room.room, "--ingest", `127.0.0.1:${bridge.port}`, "--framing", "lines"];
    this.#send = Process.roomcast(args, { env: { ROOMCAST_TOKEN: room.tokens.publish } });
    this.#timer = setInterval(() => {
      this.#send.child.stdin?.write(`${String(this.count++).padStart(LINE_BYTES, "0")}\n`);
    }, EVERY_MS);
  }

  async end(): Promise<void> {
    clearInterval(this.#timer);
    this.#send.child.stdin?.end();
    await this.#send.succeeds();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#send[Symbol.asyncDispose]();
  }
}

/** Compares the recording with the sent lines. Returns the number of missing lines, all of which are in gaps. */
async function check(url: string, room: TestRoom, sent: number): Promise<number> {
  const recordings = new RoomRecordings(url, room);
  const summary = await recordings.ended("main", 60_000);
  let seen = -1;
  let lines = 0;
  let ends = 0;
  let missing = 0;
  let isOpenEnded = false;
  const { segments, gaps } = await recordings.segments();
  for (const segment of segments) {
    const body = Buffer.from(await (await fetch(new URL(segment.url, url))).arrayBuffer());
    expect([body.byteLength, sha256(body)]).toEqual([segment.bytes, segment.sha256]);
    // The end of the stream is a frame without payload.
    const empty = segment.next - segment.first - body.byteLength / LINE_BYTES;
    expect([0, 1]).toContain(empty);
    ends += empty;
    for (let at = 0; at < body.byteLength; at += LINE_BYTES, lines++) {
      const line = Number(body.subarray(at, at + LINE_BYTES).toString());
      expect(line).toBeGreaterThan(seen);
      seen = line;
    }
  }
  for (const { from, to } of gaps) {
    if (to === null) isOpenEnded = true;
    else missing += to - from + 1;
  }
  expect(summary.bytes).toBe(lines * LINE_BYTES);
  if (isOpenEnded) expect(lines + missing).toBeLessThanOrEqual(sent);
  else expect(lines + ends + missing).toBe(sent + 1);
  return sent - lines;
}

test("A1 A4 the recorder and the room are killed, and the bucket fails: nothing is lost that the room remembers", async () => {
  const runtime: FaultyRuntime = await startFaultyRuntime({});
  try {
    await using bridge = await startTestBridge(runtime.url);
    const room = await createRecordedRoom(runtime.url);
    const recorder = `${room.room}!main`;
    const recordings = new RoomRecordings(runtime.url, room);
    await using lines = new Lines(bridge, room);
    await recordings.reached(1);
    await runtime.fault(recorder, "abort");
    await recordings.reached(2);
    await runtime.fault(room.room, "abort");
    await recordings.reached(4);
    await runtime.shake(recorder, 10_000);
    await sleep(11_000);
    expect(await runtime.shaken(recorder)).toBeGreaterThanOrEqual(3);
    await recordings.reached(7);
    await lines.end();
    expect(await check(runtime.url, room, lines.count)).toBe(0);
  } finally {
    await runtime.close();
  }
}, 180_000);

test("A4 the whole runtime is killed: unstored data is a gap, and the rest is there", async () => {
  await using worker = await WorkerProcess.start(join(folder, "state"));
  await using bridge = await startTestBridge(worker.url);
  const room = await createRecordedRoom(worker.url);
  const recordings = new RoomRecordings(worker.url, room);
  await using lines = new Lines(bridge, room);
  await recordings.reached(2);
  await sleep(1500);
  await worker.kill();
  await worker.restart();
  await waitFor("the API", () => recordings.list().catch(() => undefined), 30_000);
  await recordings.reached(4, "main", 60_000);
  await lines.end();
  const missing = await check(worker.url, room, lines.count);
  // The acknowledged lines of at most five seconds.
  expect(missing).toBeLessThan((8000 / EVERY_MS) | 0);
}, 180_000);

test("A1 a recorded room sleeps while its source is silent, and continues without a gap", async () => {
  const runtime: FaultyRuntime = await startFaultyRuntime({});
  try {
    await using bridge = await startTestBridge(runtime.url);
    const room = await createRecordedRoom(runtime.url);
    const args = ["send", room.room, "--ingest", `127.0.0.1:${bridge.port}`, "--framing", "lines"];
    await using send = Process.roomcast(args, { env: { ROOMCAST_TOKEN: room.tokens.publish } });
    send.child.stdin?.write("one\n");
    await new RoomRecordings(runtime.url, room).reached(1);
    const stored = Date.now();
    // The link is parked after 5 s, and the room falls asleep 10 s later.
    await sleep(25_000);
    expect(await runtime.awakeSince(room.room)).toBeGreaterThan(stored);
    send.child.stdin?.end("two\n");
    await send.succeeds();
    const recordings = new RoomRecordings(runtime.url, room);
    expect(await recordings.ended()).toMatchObject({ bytes: 6, gaps: 0 });
    expect((await recordings.download()).toString()).toBe("onetwo");
  } finally {
    await runtime.close();
  }
}, 120_000);
