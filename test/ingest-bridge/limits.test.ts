// Gathering, limits and drops of the bridge.
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { Flag } from "../../protocol/frame.ts";
import { Producer, preamble } from "./support/producer.ts";
import { setup } from "./support/setup.ts";
import { until } from "./support/until.ts";

/** Longer than `UNTIL_MS`: frames gathered for this time leave for another reason. */
const LONG_MS = 10_000;

describe("raw bytes are gathered", () => {
  test("T7 a lone small write leaves at once, writes close behind it leave together", async () => {
    const { port, room } = await setup({ coalesceMs: 3000 });
    const producer = await Producer.connect(port, preamble());
    await producer.lines(1);
    producer.socket.write("a");
    await until(() => room.taken.length === 1);
    for (const text of ["b", "c", "d"]) {
      producer.socket.write(text);
      await sleep(5);
    }
    expect(room.taken).toHaveLength(1);
    await until(() => room.taken.length === 2);
    expect(room.taken.map(({ payload }) => payload.toString())).toEqual(["a", "bcd"]);
  });

  test("T7 and the first of all does, however soon it comes", async () => {
    const { port, room } = await setup({ coalesceMs: LONG_MS });
    const producer = await Producer.connect(port, preamble());
    await producer.lines(1);
    producer.socket.write("a");
    await until(() => room.bytes.length === 1);
  });

  test("T7 but no more than they may be", async () => {
    const { port, room } = await setup({ coalesceMs: LONG_MS, coalesceBytes: 4 });
    const producer = await Producer.connect(port, preamble());
    await producer.lines(1);
    for (const text of ["a", "bb", "cc"]) {
      producer.socket.write(text);
      await sleep(5);
    }
    await until(() => room.bytes.length === 5);
  });

  test("T7 and the end waits for nothing, nor do other framings", async () => {
    const { port, room } = await setup({ coalesceMs: LONG_MS });
    const producer = await Producer.connect(port, `${preamble()}a`);
    await until(() => room.bytes.length === 1);
    producer.socket.end("b");
    expect(await producer.hungUp()).toBe("OK connection=c1\nEND bytes=2\n");
    const lines = await Producer.connect(port, `${preamble("framing=lines track=text")}a\n`);
    await until(() => room.taken.at(-1)?.payload.toString() === "a");
    lines.socket.write("b\n");
    await until(() => room.taken.at(-1)?.payload.toString() === "b");
  });

  test("T13 T7 where `auto` decides for raw too", async () => {
    const { port, room } = await setup({ coalesceMs: LONG_MS });
    const producer = await Producer.connect(port, `${preamble("framing=auto")}a`);
    await until(() => room.bytes.length === 1);
    for (const text of ["b", "c"]) {
      producer.socket.write(text);
      await sleep(5);
    }
    producer.socket.end();
    expect(await producer.hungUp()).toBe("OK connection=c1\nEND bytes=3\n");
    expect(room.taken.map(({ payload }) => payload.toString())).toEqual(["a", "bc", ""]);
  });
});

describe("the memory of all producers together", () => {
  test("T15 above it nobody is read until it falls", async () => {
    const totalBufferBytes = 256 * 1024;
    const { port, room, metrics } = await setup({ totalBufferBytes });
    room.behaviour.window = 0;
    const sent = randomBytes(4 << 20);
    const greedy = await Producer.connect(port, preamble("track=greedy"));
    await greedy.lines(1);
    greedy.socket.end(sent);
    const figure = async (name: string) => (await metrics()).get(`roomcast_bridge_${name}`) ?? 0;
    await until(async () => (await figure("memory_bytes")) >= totalBufferBytes);
    const modest = await Producer.connect(port, preamble("track=modest"));
    await modest.lines(1);
    modest.socket.end("x");
    await until(async () => (await figure("blocked_seconds_total")) > 0.2);
    expect(await figure("memory_bytes")).toBeLessThan(totalBufferBytes + 256 * 1024);
    expect(room.taken).toEqual([]);
    room.openWindow(1 << 20);
    expect(await greedy.hungUp()).toContain(`END bytes=${sent.length}\n`);
    expect(await modest.hungUp()).toContain("END bytes=1\n");
    expect(await figure("memory_bytes")).toBe(0);
  });

  test("incomplete frames that would take more than half of it are refused", async () => {
    const { port } = await setup({ totalBufferBytes: 1 << 20 });
    const record = Buffer.alloc(4 + (900 << 10));
    record.writeUInt32BE(1 << 20);
    const producer = await Producer.connect(port, preamble("framing=length32"));
    producer.socket.write(record);
    expect(await producer.hungUp()).toMatch(/^OK connection=c1\nERROR bridge_full [ -~]+\n$/);
  });
});

describe("connections", () => {
  test("T2 too many from one address", async () => {
    const { port, metrics } = await setup({ maxConnectionsPerAddress: 2 });
    const first = await Producer.connect(port, preamble("track=a"));
    const second = await Producer.connect(port, preamble("track=b"));
    await Promise.all([first.lines(1), second.lines(1)]);
    const third = await Producer.connect(port, preamble("track=c"));
    expect(await third.hungUp()).toMatch(/^ERROR address_full [ -~]+\n$/);
    expect((await metrics()).get('roomcast_bridge_refused_total{code="address_full"}')).toBe(1);
    first.socket.end();
    await first.hungUp();
    const fourth = async () => (await (await Producer.connect(port, preamble("track=d"))).lines(1))[0];
    await until(async () => (await fourth())?.startsWith("OK ") ?? false);
  });

  test("T2 a silent producer is cut off with the reason, and its data is in the room", async () => {
    const { port, room } = await setup({ idleTimeout: 1 });
    const producer = await Producer.connect(port, `${preamble("framing=lines")}one\ntwo`);
    expect(await producer.hungUp()).toBe("OK connection=c1\nERROR idle_timeout no byte within 1 s\n");
    expect(room.taken.map(({ payload }) => payload.toString())).toEqual(["one", ""]);
  });
});

describe("drop-group", () => {
  test("T16 T5 a full buffer costs the oldest whole groups, and the producer is never held", async () => {
    const listen = ["tcp://127.0.0.1:0?on-full=drop-group"];
    const { port, room, metrics } = await setup({ listen, bufferBytes: 64 * 1024 });
    room.behaviour.window = 0;
    const producer = await Producer.connect(port, preamble("framing=length32"));
    await producer.lines(1);
    const record = (index: number) => {
      const bytes = Buffer.alloc(4 + 8 * 1024, index);
      bytes.writeUInt32BE(8 * 1024);
      return bytes;
    };
    for (let index = 0; index < 200; index++) producer.socket.write(record(index));
    producer.socket.end();
    const figure = async (name: string) => (await metrics()).get(`roomcast_bridge_${name}`) ?? 0;
    await until(async () => (await figure("frames_total")) === 200);
    const dropped = await figure("dropped_groups_total");
    expect(dropped).toBeGreaterThan(190);
    expect(await figure("dropped_frames_total")).toBe(dropped);
    expect(await figure("buffer_bytes")).toBeLessThan(80 * 1024);
    room.openWindow(1 << 20);
    const confirmed = 200 * (4 + 8 * 1024) - dropped * 8 * 1024;
    expect(await producer.hungUp()).toBe(`OK connection=c1\nEND bytes=${confirmed}\n`);
    expect(room.gaps).toEqual([{ from: 0, to: dropped - 1 }]);
    expect(room.taken.map(({ sequence }) => sequence)).toEqual(
      Array.from({ length: 201 - dropped }, (_, index) => dropped + index),
    );
    expect(room.taken.at(-2)?.payload[0]).toBe(199);
    expect((room.taken[0]?.flags ?? 0) & Flag.discontinuity).toBe(Flag.discontinuity);
    expect(await figure("dropped_groups_total")).toBe(dropped);
  });
});

test("T14 frames cut before a violation arrive, also from the same chunk", async () => {
  const { port, room } = await setup();
  const bytes = Buffer.concat([Buffer.from([0, 0, 0, 1, 65]), Buffer.from([0x7f, 0xff, 0xff, 0xff])]);
  const producer = await Producer.connect(port, `${preamble("framing=length32")}`);
  await producer.lines(1);
  producer.socket.write(bytes);
  expect(await producer.hungUp()).toMatch(/^OK connection=c1\nERROR record_too_large [ -~]+\n$/);
  expect(room.taken.map(({ payload }) => payload.toString())).toEqual(["A", ""]);
});
