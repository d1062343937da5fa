// Other loads from outside that make a room's memory grow: each once cost an object more than it has.
import { setTimeout as sleep } from "node:timers/promises";
import { deferred } from "../../client/deferred.ts";
import { Wire } from "../../load/wire.ts";
import { HEADER_BYTES } from "../../protocol/frame.ts";
import { MAX_HTTP_MESSAGE_BYTES, STALLED_MS } from "../../protocol/limits.ts";
import { drain } from "../load/drain.ts";
import { BenchPublisher } from "../load/publisher.ts";
import { type BenchSubscriber, joinAll } from "../load/subscriber.ts";
import type { RoomcastTarget } from "../targets/roomcast.ts";
import { foundOf, groupFramesOf } from "./cells.ts";
import type { Found, Row } from "./row.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const FRAME_BYTES = 64 * KIB;
const HISTORY_BYTES = 16 * MIB;
const SETTLE_MS = 300;
/** Memory that a client's kernel and the room use for a client that reads nothing. */
const KERNEL_BYTES = 4 * MIB;

/**
 * The ways in which viewers leave a connection open and unread: they break a rule, send a Close, or end their half of
 * the connection.
 */
const WAYS_OUT: Readonly<Record<string, (wire: Wire) => void>> = {
  "bad-text": (wire) => wire.sendText("no json"),
  "close-unread": (wire) => wire.sendClose(1000),
  "half-closed": (wire) => wire.halfClose(),
};

export const ROWS: readonly Row[] = [
  ...Object.entries(WAYS_OUT).map(
    ([kind, leave]): Row => ({
      kind,
      labels: { viewers: 80 },
      settings: { public: true },
      measure: (target, idle) => leftUnread(target, idle, 80, leave),
    }),
  ),
  {
    kind: "slow-return",
    labels: { stalled: 10, times: 3 },
    measure: (target, idle) => slowReturn(target, idle, 10, 3),
  },
  {
    kind: "http-messages",
    labels: { stalled: 500, messages: 10 },
    measure: (target, idle) => httpMessages(target, idle, 500, 10),
  },
  ...[1, 200].map(
    (payloadBytes): Row => ({
      kind: "small-frames",
      labels: { payload_bytes: payloadBytes },
      measure: (target, idle) => smallFrames(target, idle, payloadBytes),
    }),
  ),
];

/** Viewers without a token take the whole history, and leave their TCP connection open and unread. */
async function leftUnread(
  target: RoomcastTarget,
  idle: () => void,
  viewers: number,
  leave: (wire: Wire) => void,
): Promise<Found> {
  const publisher = await BenchPublisher.join(target, FRAME_BYTES, groupFramesOf(FRAME_BYTES));
  await publishAll(publisher, HISTORY_BYTES / FRAME_BYTES, 1);
  await sleep(SETTLE_MS);
  idle();
  const path = `/rooms/${target.room}/ws?start=-60`;
  const anonymous = { port: target.subscriber.port, path, headers: { "sec-websocket-protocol": "roomcast.v1" } };
  for (let count = 0; count < viewers; count++) {
    const wire = await Wire.open(anonymous, { data: () => {}, text: () => {}, closed: () => {} });
    wire.stall();
    await sleep(30);
    leave(wire);
  }
  await sleep(3000);
  return { lost: 0, figures: {} };
}

/**
 * Some subscribers stop reading until they are closed as slow, and reconnect while their old socket stays open and
 * unread.
 */
async function slowReturn(target: RoomcastTarget, idle: () => void, count: number, times: number): Promise<Found> {
  const publisher = await BenchPublisher.join(target, FRAME_BYTES, groupFramesOf(FRAME_BYTES));
  const [reader] = await joinAll(target, 1, FRAME_BYTES);
  if (reader === undefined) throw new Error("nobody joined");
  idle();
  const source = setInterval(() => publisher.isReady && publisher.publish(1), 1000 / 30);
  const pings = setInterval(() => reader.beat(), 500);
  try {
    for (let time = 0; time < times; time++) {
      const stuck = await joinAll(target, count, FRAME_BYTES);
      for (const subscriber of stuck) subscriber.stall();
      // The time until their buffers are full, plus the room's wait.
      await sleep(STALLED_MS + 8000);
    }
  } finally {
    clearInterval(source);
    clearInterval(pings);
  }
  await drain([reader], publisher.published);
  return foundOf([reader], publisher.published, {});
}

/**
 * Messages from an application to many subscribers that read nothing. Messages counted as delivered have to arrive when
 * they read.
 */
async function httpMessages(target: RoomcastTarget, idle: () => void, count: number, messages: number): Promise<Found> {
  const publisher = await BenchPublisher.join(target, FRAME_BYTES, groupFramesOf(FRAME_BYTES));
  const stuck = await joinAll(target, count, FRAME_BYTES);
  await sleep(SETTLE_MS);
  for (const subscriber of stuck) subscriber.stall();
  idle();
  await publishAll(publisher, KERNEL_BYTES / FRAME_BYTES, 1);
  let [counted, skipped] = [0, 0];
  for (let message = 0; message < messages; message++) {
    const answer = await sendMessage(target);
    counted += answer.connections;
    skipped += answer.skipped;
  }
  for (const subscriber of stuck) subscriber.resume();
  await drain(stuck, publisher.published);
  const sum = (of: (subscriber: BenchSubscriber) => number) => stuck.reduce((total, one) => total + of(one), 0);
  const arrived = () => sum(({ memberMessages }) => memberMessages);
  // The publisher gets them, too.
  const due = () => counted - messages;
  for (let waited = 0; arrived() < due() && waited < 50; waited++) await sleep(100);
  const lostMessages = Math.max(0, due() - arrived());
  const frames = foundOf(stuck, publisher.published, {
    counted_as_delivered: counted,
    skipped,
    lost_messages: lostMessages,
  });
  return { ...frames, lost: frames.lost + lostMessages };
}

/** A history full of small frames: the room's overhead in addition to their bytes. */
async function smallFrames(target: RoomcastTarget, idle: () => void, payloadBytes: number): Promise<Found> {
  const publisher = await BenchPublisher.join(target, payloadBytes, 1000);
  await sleep(SETTLE_MS);
  idle();
  const frames = Math.ceil(HISTORY_BYTES / (HEADER_BYTES + payloadBytes));
  // A room accepts ten thousand messages a second.
  const perMessage = Math.ceil(frames / 80_000);
  await publishAll(publisher, frames, perMessage);
  await sleep(SETTLE_MS);
  return { lost: 0, figures: { published_frames: publisher.published, frames_per_message: perMessage } };
}

/** As fast as the window allows. */
async function publishAll(publisher: BenchPublisher, frames: number, perMessage: number): Promise<void> {
  while (publisher.published < frames) {
    while (publisher.isReady && publisher.published < frames) publisher.publish(perMessage);
    const { promise, resolve } = deferred<void>();
    publisher.onReady = resolve;
    if (!publisher.isReady) await promise;
  }
}

/** Sends a message of the largest size to everybody, and repeats it if there were too many. */
async function sendMessage({
  url,
  room,
  adminToken,
}: RoomcastTarget): Promise<{ connections: number; skipped: number }> {
  const body = JSON.stringify({ to: "all", bytes: Buffer.alloc(MAX_HTTP_MESSAGE_BYTES).toString("base64") });
  const headers = { authorization: `Bearer ${adminToken}` };
  for (;;) {
    const response = await fetch(`${url}/api/rooms/${room}/messages`, { method: "POST", headers, body });
    if (response.ok) return (await response.json()) as { connections: number; skipped: number };
    if (response.status !== 429) throw new Error(await response.text());
    await sleep(SETTLE_MS);
  }
}
