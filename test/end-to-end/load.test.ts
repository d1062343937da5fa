// A load against a real Worker: its numbers match what was sent, and it detects every loss.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Runtime } from "../../cli/runtime.ts";
import { Publisher } from "../../client/index.ts";
import { nodeEnvironment } from "../../client/node.ts";
import { type LoadOptions, type LoadResult, runLoad } from "../../load/index.ts";
import { Flag, FrameType, HEADER_BYTES, readMessage } from "../../protocol/frame.ts";
import { createRoom, startTestRuntime, type TestRoom, tokenWith } from "../support/local-room.ts";
import { MessageProxy } from "../support/message-proxy.ts";
import { Process } from "../support/processes.ts";
import { waitFor, within } from "../support/wait.ts";

const SIGNAL = new AbortController().signal;
const FRAME_BYTES = 500;
const FRAMES_PER_SECOND = 50;
/** The tests ask for a fifth of a second's frames: a machine may stand still for the rest. */
const SECONDS = 3;

let runtime: Runtime;
let folder: string;
beforeAll(async () => {
  runtime = await startTestRuntime();
  folder = await mkdtemp(join(tmpdir(), "roomcast-load-"));
});
afterAll(async () => {
  await runtime.close();
  await rm(folder, { recursive: true });
});

/** A load with its own publisher, in this process. */
function load({ room, tokens }: TestRoom, options: Partial<LoadOptions>): Promise<LoadResult> {
  const usual = { url: runtime.url, room, token: tokens.subscribe, mode: "framed", subscribers: 10 } as const;
  const times = { rampSeconds: 0, seconds: SECONDS, processes: 1 };
  const publish = { token: tokens.publish, framesPerSecond: FRAMES_PER_SECOND, frameBytes: FRAME_BYTES };
  const user = { fork: [""] as const, progress: () => {}, stop: SIGNAL, abandon: SIGNAL };
  return runLoad({ ...usual, ...times, publish, ...options }, user);
}

/** `roomcast load`, as a process. */
async function start({ room }: TestRoom, args: readonly string[], url = runtime.url) {
  const file = join(folder, `${room}.json`);
  const token = await tokenWith({ room, can: ["subscribe", "publish"] });
  const env = { ROOMCAST_TOKEN: token, NODE_NO_WARNINGS: "1" };
  const run = Process.roomcast(["load", room, "--url", url, "--json", file, ...args], { env });
  const result = async () => JSON.parse(await readFile(file, "utf8")) as LoadResult;
  return { run, result, exit: within("the load's end", run.exit, 110_000) };
}

function bytesIn(messages: readonly Buffer[]): number {
  return messages.reduce((bytes, { length }) => bytes + length, 0);
}

/** Frames with data in the messages that were passed on to subscribers. */
function framesIn(messages: readonly Buffer[], mode: "framed" | "plain"): number {
  if (mode === "plain") return bytesIn(messages) / FRAME_BYTES;
  const frames = messages.flatMap((message) => readMessage(message));
  return frames.filter(({ type, start, end }) => type === FrameType.frame && end > start).length;
}

/** Checks that every due frame arrived, once. */
function expectAll(result: LoadResult, subscribers: number): void {
  expect(result).toMatchObject({
    subscribers,
    joined: subscribers,
    bytesPublished: (result.framesPublished ?? 0) * FRAME_BYTES,
    framesExpected: result.framesReceived,
    framesToldMissing: 0,
    framesLostUntold: 0,
    framesDuplicate: 0,
    refusals: {},
    isInterrupted: false,
  });
  expect(result.framesReceived).toBeGreaterThan(10 * subscribers);
  expect(result.framesReceived).toBeLessThanOrEqual((result.framesPublished ?? 0) * subscribers);
  const { p50, p99, max } = result.latencyMs;
  expect(p50).toBeGreaterThan(0);
  expect(p99).toBeGreaterThanOrEqual(p50 ?? 0);
  expect(max).toBeGreaterThanOrEqual(p99 ?? 0);
}

test.each(["framed", "plain"] as const)("%s: everything that was sent is counted, once", async (mode) => {
  await using proxy = await MessageProxy.start(runtime.url);
  const result = await load(await createRoom(runtime.url), { mode, url: proxy.url });
  expectAll(result, 10);
  expect(result.framesReceived).toBe(framesIn(proxy.passed, mode));
  // The load is over when everybody has the last data: the end of the stream may come in a message of its own, later.
  const ends = mode === "framed" ? proxy.passed.filter((message) => framesIn([message], mode) === 0) : [];
  expect(result.bytesReceived).toBeLessThanOrEqual(bytesIn(proxy.passed));
  expect(result.bytesReceived).toBeGreaterThanOrEqual(bytesIn(proxy.passed) - bytesIn(ends));
  expect(bytesIn(ends)).toBeLessThanOrEqual(10 * HEADER_BYTES);
  expect(result.reconnects).toBe(0);
});

test("as a command, from two processes: exit code 0, and the result", async () => {
  const publish = ["--publish", "--rate", String(FRAMES_PER_SECOND), "--frame-bytes", String(FRAME_BYTES)];
  const args = ["--subscribers", "13", "--ramp", "0", "--seconds", String(SECONDS), "--processes", "2", ...publish];
  const { run, result, exit } = await start(await createRoom(runtime.url), args);
  expect([await exit, run.stderr]).toEqual([0, ""]);
  const found = await result();
  expectAll(found, 13);
  expect(run.stdout).toContain(`received      ${found.framesReceived} frames`);
});

test.each(["framed", "plain"] as const)("%s: messages dropped on their way are a loss", async (mode) => {
  await using proxy = await MessageProxy.start(runtime.url);
  const dropped: Buffer[] = [];
  // Connection 0 is the publisher's.
  proxy.drops = (connection, nth, message) => connection === 3 && nth >= 2 && nth < 5 && dropped.push(message) > 0;
  const result = await load(await createRoom(runtime.url), { mode, url: proxy.url, subscribers: 4 });
  expect(dropped.length).toBe(3);
  expect(result.framesReceived).toBe(framesIn(proxy.passed, mode));
  expect(result.framesLostUntold).toBe(framesIn(dropped, mode));
  expect(result.framesExpected).toBe(result.framesReceived + result.framesLostUntold);
});

test("a subscriber that loses the connection resumes: nothing lost, nothing twice", async () => {
  await using proxy = await MessageProxy.start(runtime.url);
  const loading = load(await createRoom(runtime.url), { url: proxy.url, subscribers: 5, seconds: 6 });
  // A subscriber that is cut off before the welcome has not joined, so its next connection is its first.
  await waitFor("everybody to take part", () => proxy.served.size === 5);
  proxy.cut();
  const result = await loading;
  expectAll(result, 5);
  expect(result).toMatchObject({ reconnects: 5, closes: { close_1006: 5 } });
});

test("another publisher's stream is counted, too; Ctrl-C ends the load, and a loss is exit code 1", async () => {
  const { url } = runtime;
  const { room, tokens, ...links } = await createRoom(url);
  await using proxy = await MessageProxy.start(url);
  let [dropping, dropped] = [false, 0];
  proxy.drops = (connection) => connection === 2 && dropping && ++dropped > 0;
  const publishers = ["main", "sound"].map(
    (track) => new Publisher({ url, room, token: tokens.publish, track, environment: nodeEnvironment }),
  );
  let written = 0;
  const timer = setInterval(() => {
    const flags = written++ % 10 === 0 ? Flag.key : 0;
    for (const publisher of publishers) void publisher.write([{ payload: new Uint8Array(100), flags }]);
  }, 20);
  try {
    const args = ["--subscribers", "6", "--ramp", "0.2", "--seconds", "600"];
    const { run, result, exit } = await start({ room, tokens, ...links }, args, proxy.url);
    await waitFor("everybody to take part", () => proxy.served.size === 6, 60_000);
    await frames(30);
    dropping = true;
    await waitFor("a loss", () => dropped >= 4);
    dropping = false;
    await frames(10);
    run.child.kill("SIGINT");
    expect(await exit).toBe(1);
    const found = await result();
    expect(found).toMatchObject({ joined: 6, framesPublished: null, framesToldMissing: 0, isInterrupted: true });
    expect(found.framesLostUntold).toBeGreaterThanOrEqual(4);
    expect(run.stderr).toBe(`roomcast: ${found.framesLostUntold} frames were lost silently\n`);
    // Of two tracks.
    expect(found.framesReceived).toBeGreaterThan(30 * 6 * 2);
    expect(found.framesExpected).toBe(found.framesReceived + found.framesLostUntold);
    expect(found.latencyMs.p50).toBeNull();
  } finally {
    clearInterval(timer);
    for (const publisher of publishers) publisher.close();
  }

  async function frames(more: number): Promise<void> {
    const before = written;
    await waitFor("more frames", () => written > before + more);
  }
});

test("who may not subscribe is refused, and the load is over", async () => {
  const room = await createRoom(runtime.url);
  const token = await tokenWith({ room: room.room, can: ["message"] });
  const result = await load(room, { token, subscribers: 3, seconds: 600 });
  expect(result).toMatchObject({ joined: 0, refused: 3, refusals: { forbidden: 3 }, isInterrupted: false });
  await expect(load(room, { publish: { token, framesPerSecond: 1, frameBytes: 100 } })).rejects.toThrow("forbidden");
});

test("a load reports its cost, if the token may know it", async () => {
  const room = await createRoom(runtime.url);
  const file = join(folder, "admin.token");
  await writeFile(file, room.tokens.admin);
  const args = ["--subscribers", "20", "--ramp", "0", "--seconds", "3", "--publish", "--admin-token-file", file];
  const { run, result, exit } = await start(room, args);
  expect(await exit).toBe(0);
  const { cost, seconds } = (await result()) as LoadResult & { cost: Record<string, number> };
  // A busy machine needs more than three seconds for a load of three seconds.
  const longer = Math.max(1, seconds / 3);
  // Twenty viewers for some three seconds, in an object that is awake, and thirty messages a second. A latecomer
  // counts for less, and a publisher that is late sends fewer messages.
  expect(cost.viewerHours).toBeGreaterThan((20 * 1.5) / 3600);
  expect(cost.viewerHours).toBeLessThan(((20 * 6) / 3600) * longer);
  const least = (2.7 * 0.128 * 12.5 + (40 / 20) * 0.15 + 20 * 0.45) / 1e6;
  expect(cost.dollars).toBeGreaterThan(least);
  expect(cost.dollars).toBeLessThan(2 * least * longer);
  // Each figure is rounded by itself.
  const quotient = ((cost.dollars ?? 0) / (cost.viewerHours ?? 1)) * 1000;
  expect((cost.dollarsPer1000ViewerHours ?? 0) / quotient).toBeCloseTo(1, 2);
  expect(run.stdout).toMatch(/^cost +\$\S+ for \S+ viewer-hours, \$\S+ per 1,000 viewer-hours/m);
  const { result: other, exit: ended } = await start(room, ["--subscribers", "1", "--ramp", "0", "--seconds", "1"]);
  expect(await ended).toBe(0);
  expect(await other()).toMatchObject({ cost: null });
});
