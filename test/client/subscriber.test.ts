// The subscriber, against a scripted room.
import { describe, expect, test } from "vitest";
import type { SubscriberEvent } from "../../client/events.ts";
import { EVENT_MEMORY_BYTES } from "../../client/queue.ts";
import { Subscriber, type SubscriberOptions } from "../../client/subscriber.ts";
import type { ServerMessage } from "../../protocol/control.ts";
import { Flag, FrameType, HEADER_BYTES } from "../../protocol/frame.ts";
import { FakeEnvironment, settle } from "./support/fake.ts";
import { announce, message, WELCOME } from "./support/room.ts";

/** An open subscriber; `take` reads the available events. */
async function startOpen(options: Partial<SubscriberOptions> = {}) {
  const environment = new FakeEnvironment();
  const subscriber = new Subscriber({ url: "http://host", room: "r", token: "t", environment, ...options });
  const iterator = subscriber[Symbol.asyncIterator]();
  const take = async (count: number) => {
    const events: string[] = [];
    for (let index = 0; index < count; index++) events.push(show((await iterator.next()).value as SubscriberEvent));
    return events;
  };
  await take(1);
  environment.socket.open();
  await take(1);
  return { environment, subscriber, iterator, take, socket: environment.socket };
}

async function reopen(environment: FakeEnvironment) {
  const socket = await environment.redial();
  socket.open();
  return socket;
}

function show(event: SubscriberEvent): string {
  switch (event.type) {
    case "frame":
      return `${event.track} ${event.epoch}.${event.sequence} ${new TextDecoder().decode(event.payload)}`;
    case "init":
      return `init ${event.track} ${event.epoch}.${event.sequence} ${new TextDecoder().decode(event.payload)}`;
    case "gap":
      return `gap ${event.track} ${event.epoch} ${event.from}-${event.to} ${event.reason}`;
    case "connection":
      return event.state;
    default:
      return JSON.stringify(event);
  }
}

describe("reading", () => {
  test("W3 W4 W5 connects when iteration begins, with the requested options", async () => {
    const { socket } = await startOpen({ tracks: ["a", "b"], delivery: "latest", start: "-5" });
    expect(socket.url.search).toBe("?role=subscribe&ping=1000&tracks=a%2Cb&delivery=latest&start=-5");
    const environment = new FakeEnvironment();
    new Subscriber({ url: "http://host", room: "r", token: "t", environment });
    await settle();
    expect(environment.dialed).toEqual([]);
  });

  test("S1 S3 S5 frames carry the name and epoch of their track; init, source and the rest are events", async () => {
    const { subscriber, socket, take } = await startOpen();
    socket.deliver(WELCOME);
    socket.deliver(announce(5, "e1", "a", 0));
    socket.deliver(announce(0, "f1", "b", 1));
    socket.deliver(message([5], { type: FrameType.init }));
    socket.deliver(message([5, 6]));
    socket.deliver(message([0], { track: 1 }));
    socket.deliver({ type: "caught-up", name: "a", epoch: "e1", sequence: 7 });
    socket.deliver({ type: "source", name: "a", state: "offline" });
    socket.deliver({ type: "occupancy", subscribers: 2, publishers: 1 });
    expect(await take(7)).toEqual([
      "init a e1.5 5",
      "a e1.5 5",
      "a e1.6 6",
      "b f1.0 0",
      '{"type":"caught-up","track":"a","epoch":"e1","sequence":7}',
      '{"type":"source","track":"a","state":"offline"}',
      '{"type":"occupancy","subscribers":2,"publishers":1}',
    ]);
    expect(subscriber.stats).toEqual({ bytes: 3, frames: 3, gaps: 0, skipped: 0, reconnects: 0, connected: true });
  });

  test("F9 an end without payload becomes an end event, and counts for the numbering", async () => {
    const { socket, take } = await startOpen();
    socket.deliver(announce());
    socket.deliver(message([0], { flags: Flag.end, payload: new Uint8Array(0) }));
    socket.deliver(announce(0, "e2"));
    socket.deliver(message([0], { flags: Flag.end }));
    expect(await take(2)).toEqual(['{"type":"end","track":"main","epoch":"e1","sequence":0}', "main e2.0 0"]);
  });

  test("payloads are views into the message", async () => {
    const { socket, iterator } = await startOpen();
    socket.deliver(announce());
    socket.deliver(message([0, 1]));
    const event = (await iterator.next()).value as SubscriberEvent & { type: "frame" };
    expect(event.payload.buffer.byteLength).toBe(2 * (HEADER_BYTES + 1));
  });

  test("S1 a frame of a track that was not announced costs the connection", async () => {
    const { environment, socket, take } = await startOpen();
    socket.deliver(message([0]));
    await environment.advance(250);
    expect(await take(2)).toEqual(["lost", "connecting"]);
  });
});

describe("talk", () => {
  test("M1 M4 says its label, sends messages with ids of their own, and tells who is there and what became of them", async () => {
    const { subscriber, socket, take } = await startOpen({ label: "Ann" });
    expect(socket.url.searchParams.get("label")).toBe("Ann");
    expect(subscriber.connectionId).toBeUndefined();
    const told: ServerMessage[] = [
      { type: "presence", full: true, joined: [], left: [], total: 1 },
      { type: "message", from: { connection: "c2", subject: null }, body: { text: "hi" } },
      { type: "delivery", id: 2, connections: 1, skipped: 0, error: null },
    ];
    for (const message of [WELCOME, ...told]) socket.deliver(message);
    expect(await take(3)).toEqual(told.map((one) => JSON.stringify(one)));
    expect(subscriber.connectionId).toBe("c1");
    expect([subscriber.send("a"), subscriber.send({ text: "b" }, { subject: "ann" })]).toEqual([1, 2]);
    expect(socket.sent.filter((sent) => String(sent).includes('"message"'))).toEqual([
      '{"type":"message","id":1,"to":"all","body":"a"}',
      '{"type":"message","id":2,"to":{"subject":"ann"},"body":{"text":"b"}}',
    ]);
    subscriber.close();
    expect(subscriber.send("c")).toBeUndefined();
  });
});

describe("gaps", () => {
  test("S2 S6 an announced gap is passed on, and moves the expectation", async () => {
    const { subscriber, socket, take } = await startOpen();
    socket.deliver(announce());
    socket.deliver(message([0]));
    socket.deliver({ type: "gap", name: "main", epoch: "e1", from: 1, to: 8, reason: "lagged" });
    socket.deliver(message([9]));
    expect(await take(3)).toEqual(["main e1.0 0", "gap main e1 1-8 lagged", "main e1.9 9"]);
    expect(subscriber.stats).toMatchObject({ gaps: 1, skipped: 8 });
  });

  test("S2 an unannounced gap is found, between frames and before an announced gap", async () => {
    const { socket, take } = await startOpen();
    socket.deliver(announce());
    socket.deliver(message([0, 3]));
    socket.deliver({ type: "gap", name: "main", epoch: "e1", from: 6, to: 7, reason: "lagged" });
    expect(await take(5)).toEqual([
      "main e1.0 0",
      "gap main e1 1-2 unknown",
      "main e1.3 3",
      "gap main e1 4-5 unknown",
      "gap main e1 6-7 lagged",
    ]);
  });

  test("S2 frames below the expectation are duplicates", async () => {
    const { socket, take } = await startOpen();
    socket.deliver(announce(5));
    socket.deliver(message([5, 4, 5, 6]));
    expect(await take(2)).toEqual(["main e1.5 5", "main e1.6 6"]);
  });
});

describe("coming back", () => {
  test("S4 asks for the position of each track; nothing comes twice, nothing is lost silently", async () => {
    const { environment, socket, take } = await startOpen({ start: "live" });
    socket.deliver(announce(5, "e1", "a", 0));
    socket.deliver(announce(0, "f1", "b", 1));
    socket.deliver(message([5, 6]));
    await take(2);
    const back = await reopen(environment);
    expect(back.query("start")).toBe("a:e1.7,b:f1.0");
    back.deliver(announce(6, "e1", "a", 3));
    back.deliver(message([6, 7], { track: 3 }));
    back.deliver(message([9], { track: 3 }));
    expect(await take(6)).toEqual(["lost", "connecting", "open", "a e1.7 7", "gap a e1 8-8 unknown", "a e1.9 9"]);
  });

  test("S4 outside history, and in another epoch, there is a gap", async () => {
    const { environment, socket, take } = await startOpen();
    socket.deliver(announce());
    socket.deliver(message([0]));
    const late = await reopen(environment);
    late.deliver({ type: "gap", name: "main", epoch: "e1", from: 1, to: 8, reason: "history" });
    late.deliver(announce(9));
    late.deliver(message([9]));
    await take(4);
    expect(await take(2)).toEqual(["gap main e1 1-8 history", "main e1.9 9"]);
    const other = await reopen(environment);
    expect(other.query("start")).toBe("main:e1.10");
    other.deliver({ type: "gap", name: "main", epoch: "e1", from: 10, to: null, reason: "epoch" });
    other.deliver(announce(4, "e2"));
    other.deliver(message([4]));
    await take(3);
    expect(await take(2)).toEqual(["gap main e1 10-null epoch", "main e2.4 4"]);
    expect((await reopen(environment)).query("start")).toBe("main:e2.5");
  });

  test("W5 before the first track, the original start is asked for again", async () => {
    const { environment } = await startOpen({ start: "-5" });
    expect((await reopen(environment)).query("start")).toBe("-5");
  });

  test("R2 within the newest time that the room said", async () => {
    const { environment, socket } = await startOpen();
    const { subscribers, publishers, type } = { type: "occupancy", subscribers: 2, publishers: 1 } as const;
    socket.deliver({ ...WELCOME, reconnectMs: 100_000 } as ServerMessage);
    socket.deliver({ type, subscribers, publishers, reconnectMs: 8000 });
    socket.deliver({ type, subscribers, publishers });
    socket.end();
    await environment.advance(3999);
    expect(environment.dialed).toHaveLength(1);
    await environment.advance(1);
    expect(environment.dialed).toHaveLength(2);
  });
});

describe("pressure", () => {
  const frame = new Uint8Array(1000 - HEADER_BYTES);

  test("C2 above the queue's limit it stops reading and pinging, and continues at half of it", async () => {
    const { environment, socket, take } = await startOpen({ maxQueueBytes: 4 * (frame.length + EVENT_MEMORY_BYTES) });
    socket.deliver("pong");
    socket.deliver(announce());
    socket.deliver(message([0, 1, 2, 3], { payload: frame }));
    expect(socket.paused).toBe(false);
    socket.deliver(message([4], { payload: frame }));
    expect(socket.paused).toBe(true);
    await environment.advance(5000);
    expect(socket.pings).toBe(1);
    await take(2);
    expect(socket.paused).toBe(true);
    await take(1);
    expect(socket).toMatchObject({ paused: false, pings: 2 });
  });

  test("C2 frames without a byte fill the queue too", async () => {
    const { socket } = await startOpen({ maxQueueBytes: 1000 });
    socket.deliver(announce());
    socket.deliver(message([0, 1, 2, 3, 4], { payload: new Uint8Array(0) }));
    expect(socket.paused).toBe(false);
    socket.deliver(message([5], { payload: new Uint8Array(0) }));
    expect(socket.paused).toBe(true);
  });

  test("W4 reliable: credit at the start, then for consumed bytes, in steps of a quarter", async () => {
    const { environment, socket, take } = await startOpen({ delivery: "reliable", creditBytes: 4000 });
    const credits = () => environment.socket.controls.map((control) => (control as { bytes: number }).bytes);
    expect(credits()).toEqual([4000]);
    socket.deliver(announce());
    socket.deliver(message([0, 1, 2], { payload: frame }));
    expect(credits()).toEqual([4000]);
    await take(2);
    expect(credits()).toEqual([4000, 1000, 1000]);
    await reopen(environment);
    // A frame, "lost" and "connecting" are still in the queue.
    expect(credits()).toEqual([4000 - 1000 - 2 * HEADER_BYTES]);
  });

  test("W4 reliable: a message beyond the credit is paid back when consumed", async () => {
    const { socket, take } = await startOpen({ delivery: "reliable", creditBytes: 400 });
    socket.deliver(announce());
    socket.deliver(message([0], { payload: frame }));
    expect(socket.controls).toEqual([{ type: "credit", bytes: 400 }]);
    await take(1);
    expect(socket.controls.at(-1)).toEqual({ type: "credit", bytes: 1000 });
  });
});

describe("the end", () => {
  test("close ends the iteration and leaves nothing", async () => {
    const { environment, subscriber, socket, iterator } = await startOpen();
    socket.deliver(announce());
    const next = iterator.next();
    subscriber.close();
    expect(await next).toEqual({ done: true, value: undefined });
    expect(socket.closedWith).toBe(1000);
    expect(environment.timers).toBe(0);
  });

  test("leaving the loop closes", async () => {
    const { environment, iterator, socket } = await startOpen();
    await iterator.return();
    expect(socket.closedWith).toBe(1000);
    expect(environment.timers).toBe(0);
  });

  test("R2 a refusal is thrown, after all received events", async () => {
    const { socket, take, iterator } = await startOpen();
    socket.deliver(announce());
    socket.deliver(message([0]));
    socket.end(4506, "room_closed");
    expect(await take(2)).toEqual(["main e1.0 0", "lost"]);
    await expect(iterator.next()).rejects.toMatchObject({ code: "room_closed" });
  });
});

test("S9 the format of a track is an event if it is known, and when it changes", async () => {
  const { socket, take } = await startOpen();
  socket.deliver({ ...announce(), format: "a/b" } as ServerMessage);
  socket.deliver({ type: "format", name: "main", epoch: "e1", format: null });
  socket.deliver(announce(0, "e2"));
  socket.deliver(message([0]));
  expect(await take(3)).toEqual([
    '{"type":"format","track":"main","epoch":"e1","format":"a/b"}',
    '{"type":"format","track":"main","epoch":"e1","format":null}',
    "main e2.0 0",
  ]);
});
