// The publisher, against a scripted room.
import { describe, expect, test } from "vitest";
import { FRAME_MEMORY_BYTES } from "../../client/backlog.ts";
import { Publisher, type PublisherOptions } from "../../client/index.ts";
import type { ServerMessage } from "../../protocol/control.ts";
import { Flag, HEADER_BYTES } from "../../protocol/frame.ts";
import { MAX_INIT_BYTES, MAX_PAYLOAD_BYTES } from "../../protocol/limits.ts";
import { FakeEnvironment, settle } from "./support/fake.ts";
import { accept, ack, read, text, WELCOME } from "./support/room.ts";

function start(options: Partial<PublisherOptions> = {}) {
  const environment = new FakeEnvironment();
  const publisher = new Publisher({ url: "http://host", room: "r", token: "t", environment, ...options });
  return { environment, publisher };
}

function open(environment: FakeEnvironment, publish: ServerMessage = accept()) {
  const { socket } = environment;
  socket.open();
  socket.deliver(WELCOME);
  socket.deliver(publish);
  return socket;
}

function startOpen(publish = accept(), options: Partial<PublisherOptions> = {}) {
  const { environment, publisher } = start(options);
  return { environment, publisher, socket: open(environment, publish) };
}

async function reopen(environment: FakeEnvironment, publish: ServerMessage) {
  await environment.redial();
  return open(environment, publish);
}

/** A frame of one byte in the buffer. */
const KEPT = FRAME_MEMORY_BYTES + 1;
const bytes = (length: number) => ({ payload: new Uint8Array(length), flags: 0 });

describe("writing", () => {
  test("W3 says its role and its track", () => {
    const { environment } = start({ track: "cam", takeover: true });
    expect(environment.socket.url.search).toBe("?role=publish&track=cam&takeover=1");
  });

  test("P1 numbers frames densely from the room's sequence on", async () => {
    const { environment, publisher, socket } = startOpen(accept({ sequence: 5, track: 3 }));
    expect(await publisher.ready()).toEqual({ connection: "c1", epoch: "e1" });
    await publisher.write([text("a", Flag.key), text("b")]);
    await publisher.write([text("c")]);
    expect(socket.messages.map(read)).toEqual([["#3 f2 5:a", "#3 6:b"], ["#3 7:c"]]);
    const stats = { bytes: 3, frames: 3, bufferedBytes: 3 * KEPT, unackedBytes: 75, reconnects: 0, connected: true };
    expect(publisher.stats).toMatchObject({ ...stats, acknowledged: { epoch: "e1", sequence: 5 } });
    expect(new DataView(socket.messages[0]?.buffer as ArrayBuffer).getBigUint64(16)).toBe(BigInt(environment.now()));
  });

  test("frames written in one turn leave together, also before it is accepted", async () => {
    const { environment, publisher } = start();
    publisher.write([text("a")]);
    publisher.write([text("b"), text("c")]);
    await settle();
    const socket = open(environment);
    publisher.write([text("d")]);
    publisher.write([text("e")]);
    await settle();
    expect(socket.messages.map(read)).toEqual([
      ["0:a", "1:b", "2:c"],
      ["3:d", "4:e"],
    ]);
  });

  test("messages have up to 64 KiB, 256 KiB with a backlog; a bigger frame goes alone", async () => {
    const { publisher, socket } = startOpen();
    publisher.write(Array.from({ length: 10 }, () => bytes(1000)));
    await settle();
    publisher.write([...Array.from({ length: 300 }, () => bytes(1000)), bytes(300_000), bytes(1)]);
    await settle();
    expect(socket.messages.map((message) => read(message).length)).toEqual([10, 256, 44, 1, 1]);
  });

  test("F4 a payload above the limits is the caller's mistake", () => {
    const { publisher } = startOpen();
    expect(() => publisher.write([text("a"), bytes(MAX_PAYLOAD_BYTES + 1)])).toThrow(RangeError);
    expect(() => publisher.write([{ ...bytes(MAX_INIT_BYTES + 1), flags: Flag.init }])).toThrow(RangeError);
    expect(publisher.stats.frames).toBe(0);
  });

  test("write waits while the buffer is full", async () => {
    const { publisher, socket } = startOpen(accept(), { maxBufferBytes: 100 + 2 * FRAME_MEMORY_BYTES });
    await publisher.write([bytes(50)]);
    let resolved = false;
    const written = publisher.write([bytes(50)]).then(() => {
      resolved = true;
    });
    await settle();
    expect(resolved).toBe(false);
    socket.deliver(ack(1));
    await written;
    expect(publisher.stats.bufferedBytes).toBe(50 + FRAME_MEMORY_BYTES);
  });

  test("frames without a byte fill the buffer too", async () => {
    const { publisher } = startOpen(accept(), { maxBufferBytes: 6 * FRAME_MEMORY_BYTES });
    const isWritten = (written: Promise<void>) => Promise.race([written.then(() => true), settle().then(() => false)]);
    expect(await isWritten(publisher.write(Array.from({ length: 5 }, () => text(""))))).toBe(true);
    expect(await isWritten(publisher.write([text("")]))).toBe(false);
  });

  test("nothing is pushed while the socket has more than 1 MiB buffered", async () => {
    const { environment, publisher, socket } = startOpen();
    socket.bufferedAmount = 1024 * 1024 + 1;
    await publisher.write([text("a")]);
    await environment.advance(100);
    expect(socket.messages).toEqual([]);
    socket.bufferedAmount = 0;
    await environment.advance(5);
    expect(socket.messages.map(read)).toEqual([["0:a"]]);
  });
});

describe("the window", () => {
  test("P4 never more than the window on its way beyond the acknowledged frame", async () => {
    const { publisher, socket } = startOpen(accept({ window: 3 * (HEADER_BYTES + 1) }));
    await publisher.write([text("a"), text("b"), text("c"), text("d")]);
    expect(socket.messages.map(read)).toEqual([["0:a", "1:b", "2:c"]]);
    socket.deliver(ack(1, 3 * (HEADER_BYTES + 1)));
    expect(socket.messages.map(read).at(-1)).toEqual(["3:d"]);
    expect(publisher.stats.unackedBytes).toBe(75);
  });

  test("P4 one message is allowed where nothing is on its way", async () => {
    const { publisher, socket } = startOpen(accept({ window: 1 }));
    await publisher.write([text("a"), text("b")]);
    expect(socket.messages.map(read)).toEqual([["0:a"]]);
    socket.deliver(ack(1, 1));
    expect(socket.messages.map(read)).toEqual([["0:a"], ["1:b"]]);
  });

  test("P4 a window of 0 stops, until an ack opens it", async () => {
    const { publisher, socket } = startOpen(accept({ window: 0 }));
    await publisher.write([text("a")]);
    expect(socket.messages).toEqual([]);
    socket.deliver(ack(0, 100));
    expect(socket.messages.map(read)).toEqual([["0:a"]]);
  });

  test("sync is sent when something is on its way and no ack came for 500 ms", async () => {
    const { environment, publisher, socket } = startOpen();
    await environment.advance(5000);
    expect(socket.controls).toEqual([]);
    await publisher.write([text("a")]);
    await environment.advance(499);
    expect(socket.controls).toEqual([]);
    await environment.advance(1);
    expect(socket.controls).toEqual([{ type: "sync", sequence: 1 }]);
    await environment.advance(500);
    expect(socket.controls).toHaveLength(2);
    await publisher.write([text("b")]);
    await environment.advance(400);
    socket.deliver(ack(1));
    await environment.advance(499);
    expect(socket.controls).toHaveLength(2);
    await environment.advance(1);
    expect(socket.controls).toHaveLength(3);
    socket.deliver(ack(2));
    await environment.advance(5000);
    expect(socket.controls).toHaveLength(3);
  });
});

describe("coming back", () => {
  test("P2 resumes at the oldest frame that is not acknowledged, and takes over only once", async () => {
    const { environment, publisher, socket } = startOpen(accept(), { takeover: true });
    await publisher.write([text("a"), text("b"), text("c")]);
    socket.deliver(ack(1));
    socket.end();
    await environment.advance(250);
    expect(environment.socket.url.search).toBe("?role=publish&track=main&resume=e1.1&unacknowledged=2");
  });

  test("R2 reconnects at once: it is not one of the many that spread their retries", async () => {
    const { environment, socket } = startOpen();
    socket.deliver({ type: "occupancy", subscribers: 5000, publishers: 1, reconnectMs: 6250 });
    socket.end();
    await environment.advance(250);
    expect(environment.dialed).toHaveLength(2);
  });

  test("P3 in the same epoch drops the frames that the room has, and sends the rest again with the new track number", async () => {
    const { environment, publisher } = startOpen();
    await publisher.write([text("a"), text("b"), text("c")]);
    await publisher.write([text("d")]);
    const socket = await reopen(environment, accept({ sequence: 2, track: 4 }));
    expect(socket.messages.map(read)).toEqual([["#4 2:c"], ["#4 3:d"]]);
    expect(publisher.stats).toMatchObject({ unackedBytes: 50, bufferedBytes: 2 * KEPT, reconnects: 1 });
    expect(publisher.stats.acknowledged).toEqual({ epoch: "e1", sequence: 2 });
  });

  test("P2 in another epoch renumbers its kept frames, the first one with a discontinuity", async () => {
    const { environment, publisher, socket } = startOpen(accept({ sequence: 10 }));
    await publisher.write([text("a"), text("b"), text("c")]);
    socket.deliver(ack(11));
    const back = await reopen(environment, accept({ epoch: "e2", sequence: 3 }));
    await publisher.write([text("d")]);
    expect(back.messages.map(read)).toEqual([["f4 3:b", "4:c"], ["5:d"]]);
    back.deliver(ack(6));
    expect(publisher.stats).toMatchObject({ bufferedBytes: 0, acknowledged: { epoch: "e2", sequence: 6 } });
  });

  test("P2 in another epoch with nothing kept, the next frame has the discontinuity", async () => {
    const { environment, publisher, socket } = startOpen();
    await publisher.write([text("a")]);
    socket.deliver(ack(1));
    const back = await reopen(environment, accept({ epoch: "e2" }));
    await publisher.write([text("b")]);
    expect(back.messages.map(read)).toEqual([["f4 0:b"]]);
  });

  test("P4 the window also limits frames that are sent again", async () => {
    const { environment, publisher } = startOpen();
    await publisher.write([text("a")]);
    await publisher.write([text("b")]);
    const socket = await reopen(environment, accept({ window: 30 }));
    expect(socket.messages.map(read)).toEqual([["0:a"]]);
    socket.deliver(ack(1, 30));
    expect(socket.messages.map(read)).toEqual([["0:a"], ["1:b"]]);
  });
});

describe("init", () => {
  test("P6 a room that lost it gets the init that applies to the next frame, in a message of its own", async () => {
    const { environment, publisher, socket } = startOpen();
    await publisher.write([text("I", Flag.init), text("a")]);
    await publisher.write([text("J", Flag.init), text("b")]);
    socket.deliver({ type: "init" });
    socket.deliver(ack(2));
    expect(socket.messages.map(read).at(-1)).toEqual(["t2 2:J"]);
    const back = await reopen(environment, accept({ sequence: 2, init: true }));
    expect(back.messages.map(read)).toEqual([["t2 0:I"], ["f1 2:J", "3:b"]]);
    back.deliver(ack(4));
    const other = await reopen(environment, accept({ epoch: "e2", sequence: 0, init: true, track: 2 }));
    expect(other.messages.map(read)).toEqual([["t2 #2 0:J"]]);
  });

  test("P6 without one that was sent there is none to send again", async () => {
    const { publisher, socket } = startOpen(accept({ init: true }));
    await publisher.write([text("I", Flag.init)]);
    expect(socket.messages.map(read)).toEqual([["f1 0:I"]]);
  });
});

describe("the end", () => {
  test("F9 end sends a frame with flag end, waits for the ack, then closes", async () => {
    const { environment, publisher, socket } = startOpen();
    publisher.write([text("a")]);
    const ended = publisher.end();
    expect(publisher.end()).toBe(ended);
    await expect(publisher.write([text("b")])).rejects.toThrow("ended");
    await settle();
    expect(socket.messages.map(read)).toEqual([["0:a", "f8 1:"]]);
    expect(socket.controls).toEqual([{ type: "sync", sequence: 2 }]);
    expect(socket.closedWith).toBeUndefined();
    socket.deliver(ack(2));
    await ended;
    expect(await publisher.closed).toBeUndefined();
    expect(socket.closedWith).toBe(1000);
    expect(environment.timers).toBe(0);
    await expect(publisher.write([text("c")])).rejects.toThrow("ended");
  });

  test("end survives a lost connection", async () => {
    const { environment, publisher } = startOpen();
    const ended = publisher.end();
    const socket = await reopen(environment, accept());
    expect(socket.messages.map(read)).toEqual([["f8 0:"]]);
    socket.deliver(ack(1));
    await ended;
  });

  test("end rejects where the room refuses, or on close", async () => {
    const { publisher, socket } = startOpen();
    const ended = publisher.end();
    socket.end(4509, "taken_over");
    await expect(ended).rejects.toMatchObject({ code: "taken_over" });
    expect(await publisher.closed).toMatchObject({ code: "taken_over" });
    const other = startOpen().publisher;
    const never = other.end();
    other.close();
    await expect(never).rejects.toThrow("closed");
  });

  test("close rejects waiting calls and leaves nothing", async () => {
    const { environment, publisher, socket } = startOpen(accept(), { maxBufferBytes: 1 });
    const written = publisher.write([text("a")]);
    await settle();
    publisher.close();
    await expect(written).rejects.toThrow("closed");
    expect(await publisher.closed).toBeUndefined();
    expect(environment.timers).toBe(0);
    expect(socket.closedWith).toBe(1000);
  });

  test("P5 a busy track is final if it was never accepted; after an acceptance, it waits for the track", async () => {
    const { environment, publisher } = start();
    environment.socket.open();
    environment.socket.end(4003, "track_busy");
    await expect(publisher.ready()).rejects.toMatchObject({ code: "track_busy" });
    const accepted = startOpen();
    accepted.socket.end(4003, "track_busy");
    await accepted.environment.advance(250);
    expect(accepted.environment.dialed).toHaveLength(2);
  });

  test("W1 a refused upgrade rejects ready", async () => {
    const { environment, publisher } = start();
    environment.socket.refuse({ status: 403, code: "forbidden" });
    await expect(publisher.ready()).rejects.toMatchObject({ code: "forbidden", status: 403 });
    await expect(publisher.write([])).rejects.toMatchObject({ code: "forbidden" });
  });
});

describe("the format", () => {
  const formats = ({ controls }: { controls: unknown[] }) =>
    (controls as { type: string; format: string }[]).flatMap((one) => (one.type === "format" ? [one.format] : []));

  test("P11 is in the query, and again after a reconnect; later changes are messages", async () => {
    const { environment, publisher } = start({ format: "a/b" });
    expect(environment.socket.query("format")).toBe("a/b");
    const socket = open(environment);
    publisher.setFormat("a/b");
    publisher.setFormat("c/d");
    expect(formats(socket)).toEqual(["c/d"]);
    await reopen(environment, accept());
    expect(environment.socket.query("format")).toBe("c/d");
    expect(formats(environment.socket)).toEqual([]);
  });

  test("P11 is sent when the connection opens, and at most once a second", async () => {
    const { environment, publisher } = start();
    expect(environment.socket.url.search).toBe("?role=publish&track=main");
    publisher.setFormat("a/b");
    const socket = open(environment);
    for (const format of ["c/d", "e/f", "g/h"]) publisher.setFormat(format);
    expect(formats(socket)).toEqual(["a/b"]);
    await environment.advance(1000);
    expect(formats(socket)).toEqual(["a/b", "g/h"]);
    publisher.close();
    expect(environment.timers).toBe(0);
  });

  test("P11 one that is none is the caller's mistake", () => {
    expect(() => start({ format: "" })).toThrow(TypeError);
    expect(() => start().publisher.setFormat("x".repeat(129))).toThrow(TypeError);
  });
});
