// Many subscribers: a storm of joins, a room that sleeps with all of them, and a room that controls the pace.
import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Runtime } from "../../cli/runtime.ts";
import { Publisher, Subscriber } from "../../client/index.ts";
import { nodeEnvironment } from "../../client/node.ts";
import { Flag, FrameType, readMessage } from "../../protocol/frame.ts";
import { createRoom, reliableToken, startTestRuntime, type TestRoom } from "../support/local-room.ts";
import { memoryOf, workerds } from "../support/processes.ts";
import { RawSubscriber } from "../support/raw-subscriber.ts";
import { waitFor } from "../support/wait.ts";

const MiB = 1024 * 1024;

let runtime: Runtime;
beforeAll(async () => {
  // The behaviour of one object with a crowd.
  runtime = await startTestRuntime({ vars: { MAX_RELAYS: "0" } });
});
afterAll(() => runtime.close());

const socketUrl = ({ room }: TestRoom) => `${runtime.url.replace("http", "ws")}/rooms/${room}/ws`;

function publisherOf({ room, tokens }: TestRoom, maxBufferBytes = 4 * MiB): Publisher {
  return new Publisher({ url: runtime.url, room, token: tokens.publish, environment: nodeEnvironment, maxBufferBytes });
}

test("S3 500 join within two seconds of a 2 Mbit/s stream: all start at init and group, none loses a frame silently", async () => {
  const room = await createRoom(runtime.url);
  const publisher = publisherOf(room);
  let sequence = 0;
  const timer = setInterval(() => {
    const frames = sequence % 30 === 0 ? [{ payload: new Uint8Array(376), flags: Flag.init }] : [];
    void publisher.write([...frames, { payload: new Uint8Array(8333), flags: sequence % 30 === 0 ? Flag.key : 0 }]);
    sequence++;
  }, 33);
  try {
    await waitFor("a second of stream", () => sequence > 30);
    const subscribers: RawSubscriber[] = [];
    const firsts = new Map<RawSubscriber, number[][]>();
    const startedAt = Date.now();
    for (let index = 0; index < 500; index++) {
      const one = new RawSubscriber(socketUrl(room), room.tokens.subscribe, { framed: true });
      one.onBytes = (bytes) => {
        const seen = firsts.get(one) ?? [];
        if (seen.some(([type]) => type === FrameType.frame)) return;
        firsts.set(one, [...seen, ...readMessage(bytes).map(({ type, flags }) => [type, flags])]);
      };
      subscribers.push(one);
      if (index % 10 === 9) await sleep(Math.max(0, startedAt + index * 4 - Date.now()));
    }
    await waitFor("everybody to get frames", () => subscribers.every(({ frames }) => frames > 0), 30_000);
    const until = sequence + 60;
    await waitFor("two more seconds", () => sequence > until, 30_000);
    clearInterval(timer);
    await publisher.end();
    const end = publisher.stats.acknowledged?.sequence;
    await waitFor("everybody to be at the end", () => subscribers.every(({ next }) => next === end), 30_000);
    for (const one of subscribers) {
      expect({ fault: one.fault, closed: one.closed }).toEqual({ fault: undefined, closed: undefined });
      const seen = firsts.get(one) ?? [];
      expect(seen[0]?.[0]).toBe(FrameType.init);
      const key = seen.find(([type]) => type === FrameType.frame);
      expect((key?.[1] ?? 0) & Flag.key).toBe(Flag.key);
    }
    for (const { socket } of subscribers) socket.terminate();
  } finally {
    clearInterval(timer);
    publisher.close();
  }
}, 90_000);

test("S2 an idle room with 100 subscribers sleeps, and wakes for the next frame with continuing sequence", async () => {
  const room = await createRoom(runtime.url);
  const publisher = publisherOf(room);
  const subscribers = await Promise.all(
    Array.from({ length: 100 }, () =>
      new RawSubscriber(socketUrl(room), room.tokens.subscribe, { framed: true }).opened(),
    ),
  );
  await publisher.write([{ payload: new Uint8Array(100), flags: Flag.key }]);
  await waitFor("the first frame", () => subscribers.every(({ frames }) => frames === 1));
  await waitFor("the ack", () => publisher.stats.unackedBytes === 0);
  const headers = { authorization: `Bearer ${room.tokens.admin}` };
  const describe = async () =>
    (await fetch(`${runtime.url}/api/rooms/${room.room}`, { headers })).json() as Promise<{ awakeSince: number }>;
  const { awakeSince } = await describe();
  // The runtime removes an object from memory after ten seconds without events; a request is one. On a busy machine it
  // may take longer, so the second look comes later.
  const slept = async () => (await describe()).awakeSince > awakeSince;
  for (const seconds of [13, 20]) {
    await sleep(seconds * 1000);
    if (await slept()) break;
  }
  expect(await slept()).toBe(true);
  await publisher.write([{ payload: new Uint8Array(100), flags: 0 }]);
  await waitFor("the second frame", () => subscribers.every(({ frames }) => frames === 2));
  for (const { gaps, fault, closed, next } of subscribers) {
    expect({ gaps, fault, closed, next }).toEqual({ gaps: [], fault: undefined, closed: undefined, next: 2 });
  }
  await publisher.end();
  for (const { socket } of subscribers) socket.terminate();
});

test("W4 a reliable subscriber that reads 4 MiB/s holds a fast publisher back: nothing lost, memory bounded", async () => {
  const room = await createRoom(runtime.url);
  const publisher = publisherOf(room);
  const { url } = runtime;
  const subscriber = new Subscriber({
    url,
    room: room.room,
    token: await reliableToken(room.room),
    delivery: "reliable",
    environment: nodeEnvironment,
  });
  const [sent, got] = [createHash("sha256"), createHash("sha256")];
  const total = 32 * MiB;
  const [pid = 0] = workerds();
  const before = memoryOf(pid, "VmRSS");
  let peak = before;
  let written = 0;
  let blocked = 0;
  const write = async () => {
    const payload = new Uint8Array(64 * 1024);
    for (; written < total; written += payload.byteLength) {
      payload.fill(written / payload.byteLength);
      sent.update(payload);
      const room = publisher.write([{ payload: payload.slice(), flags: Flag.key }]);
      const late = setTimeout(() => blocked++, 100);
      await room;
      clearTimeout(late);
    }
    await publisher.end();
  };
  let writing: Promise<void> | undefined;
  const startedAt = Date.now();
  let received = 0;
  for await (const event of subscriber) {
    if (event.type === "connection" && event.state === "open") writing = write();
    if (event.type === "gap") throw new Error(JSON.stringify(event));
    if (event.type !== "frame") continue;
    got.update(event.payload);
    received += event.payload.byteLength;
    peak = Math.max(peak, memoryOf(pid, "VmRSS"));
    if (received >= total) break;
    await sleep(Math.max(0, startedAt + (received / (4 * MiB)) * 1000 - Date.now()));
  }
  await writing;
  expect(got.digest("hex")).toBe(sent.digest("hex"));
  expect(blocked).toBeGreaterThan(3);
  console.log(`runtime's RSS grew by ${((peak - before) / MiB).toFixed(1)} MiB`);
  expect(peak - before).toBeLessThan(100 * MiB);
}, 60_000);
