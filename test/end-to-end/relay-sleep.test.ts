// An idle room of several objects: all of them sleep with their subscribers, and wake for the next frame. A recorded
// room sleeps, too.
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { BenchPublisher } from "../../bench/load/publisher.ts";
import { ask } from "../../bench/pair.ts";
import { startRoomcast } from "../../bench/targets/roomcast.ts";
import { Publisher } from "../../client/index.ts";
import { nodeEnvironment } from "../../client/node.ts";
import { Flag } from "../../protocol/frame.ts";
import { type FaultyRuntime, startFaultyRuntime } from "../support/faulty-runtime.ts";
import { createRoom } from "../support/local-room.ts";
import { RawSubscriber } from "../support/raw-subscriber.ts";
import { RoomApi } from "../support/room-api.ts";
import { waitFor } from "../support/wait.ts";

const SUBSCRIBERS = 300;

/**
 * A link without data is parked after 5 s, and an idle object leaves memory after 10 s more; a request would keep it
 * there. On a busy machine it may take longer.
 */
const ASLEEP_MS = 22_000;

let runtime: FaultyRuntime;
beforeAll(async () => {
  runtime = await startFaultyRuntime({ MAX_OBJECT_SUBSCRIBERS: "90", MAX_RELAYS: "3" });
});
afterAll(() => runtime?.close());

test("S2 a room with three relays and 300 subscribers sleeps, and all of them get the next frame in order", async () => {
  const room = await createRoom(runtime.url);
  const api = new RoomApi(runtime.url, room);
  const publisher = new Publisher({
    url: runtime.url,
    room: room.room,
    token: room.tokens.publish,
    environment: nodeEnvironment,
  });
  const url = `${runtime.url.replace("http", "ws")}/rooms/${room.room}/ws`;
  const subscribers: RawSubscriber[] = [];
  try {
    while (subscribers.length < SUBSCRIBERS) {
      const next = Array.from({ length: 30 }, () => new RawSubscriber(url, room.tokens.subscribe, { framed: true }));
      subscribers.push(...(await Promise.all(next.map((one) => one.opened()))));
      // So that the room sees them before it places the next ones.
      await waitFor("them to be counted", async () => (await api.describe()).subscribers === subscribers.length);
    }
    await publisher.write([{ payload: new Uint8Array(100), flags: Flag.key }]);
    await waitFor("the first frame", () => subscribers.every(({ frames }) => frames === 1), 30_000);
    const seats = await api.seats();
    const objects = Object.keys(seats);
    expect(objects).toHaveLength(4);
    const quietSince = Date.now();
    await sleep(ASLEEP_MS);
    const since = await Promise.all(objects.map((object) => runtime.awakeSince(object)));
    expect(since.map((at) => at > quietSince)).toEqual([true, true, true, true]);
    for (let count = 2; count <= 3; count++) {
      await publisher.write([{ payload: new Uint8Array(100), flags: 0 }]);
      await waitFor(`frame ${count}`, () => subscribers.every(({ frames }) => frames === count), 30_000);
    }
    for (const { gaps, fault, closed, next } of subscribers) {
      expect({ gaps, fault, closed, next }).toEqual({ gaps: [], fault: undefined, closed: undefined, next: 3 });
    }
    expect(await api.seats()).toEqual(seats);
  } finally {
    publisher.close();
    for (const { socket } of subscribers) socket.terminate();
  }
});

test("A1 a recorded room sleeps, too: its link is parked, and the recorder answers the Close", async () => {
  await using target = await startRoomcast("framed", undefined, { recording: "all" });
  const publisher = await BenchPublisher.join(target, 1000);
  publisher.publish(30);
  const recordings = async () => (await ask<{ recordings: unknown[] }>(target, "/recordings")).recordings;
  await waitFor("a recorder", async () => (await recordings()).length > 0);
  const quietSince = Date.now();
  await sleep(ASLEEP_MS);
  expect((await ask<{ awakeSince: number }>(target, "")).awakeSince).toBeGreaterThan(quietSince);
  publisher.leave();
});
