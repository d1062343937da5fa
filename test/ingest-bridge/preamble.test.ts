// Admission of producers: the preamble and the line that answers it.
import { expect, test, vi } from "vitest";
import { Producer, preamble, TOKEN } from "./support/producer.ts";
import { setup } from "./support/setup.ts";
import { until } from "./support/until.ts";

test.each([
  ["too long", `ROOMCAST/1 room=demo token=${"x".repeat(5000)}`, "preamble_too_long"],
  ["malformed", "GET / HTTP/1.1\r\n\r\n", "preamble_invalid"],
  ["no room", "ROOMCAST/1 token=t\n", "preamble_invalid"],
  ["another version", "ROOMCAST/2 room=demo token=t\n", "preamble_version"],
  ["an unknown framing", preamble("framing=morse"), "framing_unknown"],
])("T1 T4 a preamble that is wrong: %s", async (_name, line, code) => {
  const { port, room, metrics } = await setup();
  const producer = await Producer.connect(port, line);
  expect(await producer.hungUp()).toMatch(new RegExp(`^ERROR ${code} [ -~]+\n$`));
  expect(room.tokens).toEqual([]);
  expect((await metrics()).get(`roomcast_bridge_refused_total{code="${code}"}`)).toBe(1);
});

test("T2 a preamble that is too slow", async () => {
  const { port } = await setup({}, { preambleTimeoutMs: 50 });
  const producer = await Producer.connect(port, "ROOMCAST/1 room=demo");
  expect(await producer.hungUp()).toBe("ERROR preamble_timeout no preamble within 50 ms\n");
});

test("a connection that ends before its preamble", async () => {
  const { port } = await setup();
  const producer = await Producer.connect(port, "ROOMCAST/1 room=demo");
  producer.socket.end();
  expect(await producer.hungUp()).toMatch(/^ERROR preamble_invalid /);
});

test("the answer reaches a producer that continues to send", async () => {
  const { port } = await setup();
  const producer = await Producer.connect(port, "nonsense\n");
  producer.socket.write(Buffer.alloc(1 << 20));
  expect(await producer.hungUp()).toMatch(/^ERROR preamble_invalid /);
});

test("T4 T3 a token that the room refuses", async () => {
  const { port, room, metrics } = await setup();
  room.behaviour.refuse = () => ({ status: 401, code: "unauthorized" });
  const producer = await Producer.connect(port, `${preamble()}payload`);
  expect(await producer.hungUp()).toMatch(/^ERROR unauthorized [ -~]+\n$/);
  expect(room.taken).toEqual([]);
  expect((await metrics()).get('roomcast_bridge_refused_total{code="unauthorized"}')).toBe(1);
});

test("a track that has a publisher already", async () => {
  const { port, room } = await setup();
  room.behaviour.closeAtOnce = { code: 4003, text: "track_busy retry=100" };
  const producer = await Producer.connect(port, preamble());
  expect(await producer.hungUp()).toMatch(/^ERROR track_busy /);
});

test("T3 OK comes only after the room has accepted, and the room's id with it", async () => {
  const { port, room } = await setup();
  room.behaviour.welcome = false;
  const producer = await Producer.connect(port, preamble());
  await until(() => room.tokens.length === 1);
  expect(room.tokens).toEqual([TOKEN]);
  expect(producer.answer).toBe("");
  room.welcomeAll();
  expect(await producer.lines(1)).toEqual(["OK connection=c1"]);
});

test("a room that cannot be reached", async () => {
  const { port } = await setup({ worker: "http://127.0.0.1:9" }, { joinTimeoutMs: 100 });
  const producer = await Producer.connect(port, preamble());
  expect(await producer.hungUp()).toMatch(/^ERROR room_unreachable /);
});

test("a producer that goes away while it waits for its room", async () => {
  const { port, room, log } = await setup();
  room.behaviour.welcome = false;
  const producer = await Producer.connect(port, preamble());
  await until(() => room.tokens.length === 1);
  producer.socket.resetAndDestroy();
  await until(() => log.some((line) => line.includes("producer_gone")));
});

test("T2 one producer too many", async () => {
  const { port } = await setup({ maxConnections: 1 });
  const first = await Producer.connect(port, preamble());
  await first.lines(1);
  const second = await Producer.connect(port, preamble("track=other"));
  expect(await second.hungUp()).toMatch(/^ERROR bridge_full /);
  first.socket.end("x");
  expect(await first.hungUp()).toContain("END bytes=1\n");
  const next = async () => (await Producer.connect(port, preamble())).lines(1);
  await vi.waitUntil(async () => (await next())[0]?.startsWith("OK "));
});
