// The bytes of an accepted producer: nothing is lost, everything is bounded, and the end is orderly.
import { createHash, randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { Flag } from "../../protocol/frame.ts";
import { Producer, preamble, TOKEN } from "./support/producer.ts";
import { setup } from "./support/setup.ts";
import { until } from "./support/until.ts";

const hash = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

test("bytes behind the preamble, in the same packet, are kept", async () => {
  const { port, room } = await setup();
  const producer = await Producer.connect(port, `${preamble("track=cam")}hello`);
  await until(() => room.bytes.length === 5);
  producer.socket.end(" world");
  expect(await producer.hungUp()).toBe("OK connection=c1\nEND bytes=11\n");
  expect(room.bytes.toString()).toBe("hello world");
  expect(room.taken[0]?.track).toBe("cam");
  expect(room.taken.at(-1)?.flags).toBe(Flag.end);
});

test("T1 a preamble in many pieces", async () => {
  const { port } = await setup();
  const producer = await Producer.connect(port);
  for (const character of preamble()) producer.socket.write(character);
  expect(await producer.lines(1)).toEqual(["OK connection=c1"]);
});

test("T5 a half-closed producer with no bytes at all", async () => {
  const { port } = await setup();
  const producer = await Producer.connect(port, preamble());
  producer.socket.end();
  expect(await producer.hungUp()).toBe("OK connection=c1\nEND bytes=0\n");
});

test("T14 T8 a framing cuts, and a violation is reported after the frames before it", async () => {
  const { port, room } = await setup();
  const record = (length: number, text: string) => {
    const bytes = Buffer.alloc(4 + text.length, text);
    bytes.writeUInt32BE(length);
    bytes.write(text, 4);
    return bytes;
  };
  const producer = await Producer.connect(port, preamble("framing=length32"));
  producer.socket.write(Buffer.concat([record(3, "one"), record(3, "two")]));
  await until(() => room.taken.length === 2);
  producer.socket.write(record(0x7fffffff, "x"));
  expect(await producer.hungUp()).toMatch(/^OK connection=c1\nERROR record_too_large [ -~]+\n$/);
  expect(room.taken.map(({ payload }) => payload.toString())).toEqual(["one", "two", ""]);
});

test("T9 bytes that the splitter held back come with the end", async () => {
  const { port, room } = await setup();
  const producer = await Producer.connect(port, `${preamble("framing=lines")}one\ntwo`);
  producer.socket.end();
  expect(await producer.hungUp()).toBe("OK connection=c1\nEND bytes=7\n");
  expect(room.taken.map(({ payload }) => payload.toString())).toEqual(["one", "two", ""]);
});

test("a stream that ends inside a record gets the error", async () => {
  const { port } = await setup();
  const producer = await Producer.connect(port, `${preamble("framing=length32")}\0\0`);
  producer.socket.end();
  expect(await producer.hungUp()).toMatch(/^OK connection=c1\nERROR stream_truncated [ -~]+\n$/);
});

test("T15 without a window the producer is slowed down, and the buffer stays bounded", async () => {
  const bufferBytes = 256 * 1024;
  const { port, room, metrics } = await setup({ bufferBytes: String(bufferBytes) });
  room.behaviour.window = 0;
  const producer = await Producer.connect(port, preamble());
  await producer.lines(1);
  const sent = randomBytes(32 << 20);
  producer.socket.end(sent);
  await until(() => producer.socket.bytesWritten > bufferBytes);
  const buffered = async () => (await metrics()).get("roomcast_bridge_buffer_bytes") ?? 0;
  let before = -1;
  for (let now = await buffered(); now !== before || now === 0; now = await buffered()) before = now;
  expect(before).toBeLessThan(bufferBytes + 128 * 1024);
  expect(producer.socket.writableLength).toBeGreaterThan(0);
  expect(room.taken).toEqual([]);
  room.openWindow(1 << 20);
  expect(await producer.hungUp()).toBe(`OK connection=c1\nEND bytes=${sent.length}\n`);
  expect(hash(room.bytes)).toBe(hash(sent));
  expect((await metrics()).get("roomcast_bridge_blocked_seconds_total")).toBeGreaterThan(0);
});

test("T15 a connection to the room that breaks costs no byte", async () => {
  const { port, room, metrics } = await setup();
  const producer = await Producer.connect(port, preamble());
  await producer.lines(1);
  const first = randomBytes(3 << 20);
  const second = randomBytes(3 << 20);
  room.behaviour.acks = false;
  producer.socket.write(first);
  await until(() => room.taken.length > 3);
  room.cut();
  room.behaviour.acks = true;
  producer.socket.end(second);
  expect(await producer.hungUp()).toBe(`OK connection=c1\nEND bytes=${6 << 20}\n`);
  expect(hash(room.bytes)).toBe(hash(Buffer.concat([first, second])));
  expect(new Set(room.taken.map(({ epoch }) => epoch)).size).toBe(1);
  expect((await metrics()).get("roomcast_bridge_reconnects_total")).toBe(1);
});

test("T5 the data of a reset producer is published, and its end, too", async () => {
  const { port, room, log } = await setup();
  const producer = await Producer.connect(port, `${preamble()}some`);
  await until(() => room.bytes.length === 4);
  producer.socket.resetAndDestroy();
  await until(() => log.some((line) => line.includes("producer ended") && line.includes("reset")));
  expect(room.taken.at(-1)?.flags).toBe(Flag.end);
});

test("a room that refuses later, permanently", async () => {
  const { port, room, metrics } = await setup();
  const producer = await Producer.connect(port, preamble());
  await producer.lines(1);
  room.closeAll(4509, "taken_over");
  expect(await producer.hungUp()).toMatch(/^OK connection=c1\nERROR taken_over [ -~]+\n$/);
  await until(() => producer.socket.destroyed);
  const numbers = await metrics();
  expect(numbers.get('roomcast_bridge_refused_total{code="taken_over"}')).toBe(1);
  expect(numbers.get("roomcast_bridge_producers")).toBe(0);
});

test("no token is ever logged", async () => {
  const { port, room, log } = await setup();
  const good = await Producer.connect(port, `${preamble()}x`);
  await good.lines(1);
  room.cut();
  good.socket.end();
  await good.hungUp();
  const malformed = await Producer.connect(port, preamble("colour=red"));
  await malformed.hungUp();
  room.behaviour.refuse = () => ({ status: 403, code: "forbidden" });
  const refused = await Producer.connect(port, preamble());
  await refused.hungUp();
  await until(() => log.some((line) => line.includes("forbidden")));
  expect(log.join("")).not.toContain(TOKEN);
});
