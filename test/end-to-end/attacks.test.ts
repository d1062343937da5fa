// Clients without rights, or with bad behaviour, cannot harm others: tried from outside, on the real runtime.
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { Growth } from "../../bench/load/growth.ts";
import { BenchSubscriber, joinAll } from "../../bench/load/subscriber.ts";
import { type RoomcastTarget, startRoomcast } from "../../bench/targets/roomcast.ts";
import { stampedPayload } from "../../load/accounting/stamp.ts";
import { clientFrame, Opcode } from "../../load/client-frame.ts";
import { encodeMessage, Flag, FrameType } from "../../protocol/frame.ts";
import { LiveStream } from "../support/live-stream.ts";
import { ShapedLink } from "../support/shaped-link.ts";
import { waitFor } from "../support/wait.ts";
import { type Seat, WireClient } from "../support/wire-client.ts";

/** `npm run soak -- failures` has the long forms: the room's defaults, in real time. */
const IS_LONG = process.env.ROOMCAST_LONG === "1";

const KIB = 1024;
const MIB = 1024 * KIB;

const clients: WireClient[] = [];
afterEach(() => {
  for (const { wire } of clients.splice(0)) wire.destroy();
});

async function open(target: RoomcastTarget, seat: Partial<Seat>): Promise<WireClient> {
  const client = await WireClient.open({ url: target.url, room: target.room, ...seat });
  clients.push(client);
  return client;
}

test("W6 80 anonymous viewers take the whole history, break a rule and read nothing: nobody else notices", async () => {
  await using target = await startRoomcast("framed", undefined, { public: true });
  using stream = await LiveStream.start(target, { payloadBytes: 64 * KIB, framesPerSecond: 30, groupFrames: 30 });
  const viewer = await stream.view(target);
  stream.publisher.publish(1);
  while (stream.publisher.published < 256) {
    if (stream.publisher.isReady) stream.publisher.publish(1);
    await sleep(1);
  }
  await waitFor("the viewer to have the history", () => viewer.ledger.frames >= 256, 20_000);
  using growth = new Growth(target.pid);
  for (let count = 0; count < 80; count++) {
    const { wire } = await open(target, { query: "start=-60" });
    wire.stall();
    wire.sendText("no json");
    await sleep(30);
  }
  await sleep(2000);
  await stream.end(viewer);
  expect(viewer.ledger.told).toBe(0);
  expect(viewer.ledger.lost(stream.publisher.published)).toBe(0);
  expect(viewer.ended).toBeUndefined();
  growth.sample();
  expect(growth.bytes / MIB).toBeLessThan(96);
});

test("W6 100 anonymous viewers say Close while much waits for them, and are cut: their queues do not count forever", async () => {
  await using target = await startRoomcast("framed", undefined, { public: true });
  using stream = await LiveStream.start(target, { payloadBytes: 64 * KIB, framesPerSecond: 20, groupFrames: 20 });
  const viewer = await stream.view(target);
  while (stream.publisher.published < 200) {
    if (stream.publisher.isReady) stream.publisher.publish(1);
    await sleep(1);
  }
  for (let count = 0; count < 100; count++) {
    const { wire } = await open(target, { query: "start=-60" });
    wire.stall();
    await sleep(10);
    wire.sendClose(1000);
    await sleep(10);
    wire.destroy();
  }
  // The memory is free again: a newcomer gets its group, and no subscriber misses a frame.
  const newcomer = await stream.view(target);
  await waitFor("the newcomer's group", () => newcomer.ledger.frames >= 20, 20_000);
  await stream.end(viewer);
  expect([viewer.ledger.told, newcomer.ledger.told]).toEqual([0, 0]);
  expect(viewer.ledger.lost(stream.publisher.published)).toBe(0);
});

test("W6 15 anonymous viewers send 480 texts a second each: the publisher's frames are acknowledged", async () => {
  await using target = await startRoomcast("framed", undefined, { public: true });
  const viewers = await joinAll(target, 1000, KIB);
  const publisher = await open(target, { token: target.publishToken, query: "role=publish" });
  const attackers = await Promise.all(Array.from({ length: 15 }, () => openGreedy(target)));
  const credit = clientFrame(Opcode.text, Buffer.from('{"type":"credit","bytes":1}'));
  const burst = Buffer.concat(Array.from({ length: 24 }, () => credit));
  const attack = setInterval(() => {
    for (const { wire, closes } of attackers) if (closes.length === 0) wire.sendFrame(burst);
  }, 50);
  try {
    // Long enough for data that waits for the room, if there is any, to be before the frames.
    await sleep(3000);
    await waitFor("the publisher to be accepted", () => publisher.texts.some((text) => text.includes('"publish"')));
    const frames = 60;
    for (let sequence = 0; sequence < frames; sequence++) {
      const flags = sequence % 30 === 0 ? Flag.key : 0;
      const payload = stampedPayload(KIB, sequence, 0);
      publisher.wire.sendBinary(
        encodeMessage([{ type: FrameType.frame, flags, track: 0, sequence, timestamp: 0, payload }]),
      );
      await sleep(30);
    }
    publisher.wire.sendText(JSON.stringify({ type: "sync", sequence: frames }));
    const isAcknowledged = () => publisher.texts.some((text) => text.includes(`"ack","sequence":${frames}`));
    await waitFor("the ack", isAcknowledged, 12_000);
    await waitFor("the viewers to have all", () => viewers.every(({ ledger }) => ledger.frames === frames));
  } finally {
    clearInterval(attack);
    for (const viewer of viewers) viewer.leave();
  }
});

/** With `reliable` if the room allows it, otherwise without. */
function openGreedy(target: RoomcastTarget): Promise<WireClient> {
  return open(target, { query: "delivery=reliable" }).catch(() => open(target, {}));
}

test("P5 a viewer that ends its half of the connection is gone for the room", async () => {
  await using target = await startRoomcast("framed");
  const witness = await open(target, { token: target.subscribeToken });
  const other = await open(target, { token: target.subscribeToken });
  const hears = (text: string) => waitFor(text, () => witness.texts.at(-1)?.includes(text));
  await hears('"subscribers":2');
  other.wire.halfClose();
  await hears('"subscribers":1');
});

// It takes 30 s. The room's own test of W8 checks the rule with a simulated clock.
test.runIf(IS_LONG)("P5 W8 connections without a sign of life are closed, and the source is offline", async () => {
  await using target = await startRoomcast("framed");
  const witness = await BenchSubscriber.join(target, KIB);
  const listener = await open(target, { token: target.subscribeToken, query: "tracks=a" });
  const silent = await open(target, { token: target.subscribeToken, query: "tracks=a" });
  const publisher = await open(target, { token: target.publishToken, query: "role=publish&track=a" });
  // They were active. From here on, they neither send nor read, as after a cut without a FIN.
  silent.wire.sendText("ping");
  await waitFor("the pong", () => silent.texts.includes("pong"));
  for (const { wire } of [silent, publisher]) wire.stall();
  using stream = await LiveStream.start(target, { payloadBytes: KIB, framesPerSecond: 5, groupFrames: 5 });
  const beat = setInterval(() => {
    witness.beat();
    listener.wire.sendText("ping");
  }, 500);
  try {
    const told = (text: string) => listener.texts.some((one) => one.includes(text));
    await waitFor("the source to be offline", () => told('"source","name":"a","state":"offline"'), 60_000);
    const last = () => listener.texts.filter((text) => text.includes('"occupancy"')).at(-1);
    await waitFor("the silent ones to be gone", () => last()?.includes('"subscribers":2,"publishers":1'), 20_000);
    expect(stream.publisher.isReady).toBe(true);
  } finally {
    clearInterval(beat);
    witness.leave();
  }
});

test("S6 a live viewer behind 4 kB/s learns what it misses, while others miss nothing", async () => {
  await using target = await startRoomcast("framed", undefined, IS_LONG ? {} : { latencySeconds: 3 });
  await using link = await ShapedLink.start(target.subscriber.port);
  link.bytesPerSecondDown = 4000;
  using stream = await LiveStream.start(target, { payloadBytes: 2 * KIB, framesPerSecond: 10, groupFrames: 10 });
  const [viewer, slow] = [await stream.view(target), await stream.view(target, link.port)];
  await waitFor("a gap", () => slow.ledger.told > 0, 90_000);
  expect(slow.ended).toBeUndefined();
  await stream.end(viewer);
  expect(viewer.ledger.told).toBe(0);
  expect(viewer.ledger.lost(stream.publisher.published)).toBe(0);
});
