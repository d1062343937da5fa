// The bridge's own life: status, drain, close.
import { createServer } from "node:net";
import { expect, test } from "vitest";
import { createLogger, readConfig, startBridge } from "../../ingest-bridge/index.ts";
import manifest from "../../package.json" with { type: "json" };
import { Producer, preamble } from "./support/producer.ts";
import { setup } from "./support/setup.ts";
import { until } from "./support/until.ts";

test("health, readiness and numbers", async () => {
  const { bridge, port, metrics, room } = await setup();
  const get = (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${bridge.statusPort}${path}`, init);
  expect(await (await get("/healthz")).text()).toBe("ok\n");
  expect((await get("/readyz")).status).toBe(200);
  expect((await get("/elsewhere")).status).toBe(404);
  expect((await get("/metrics", { method: "POST" })).status).toBe(405);
  expect((await get("/metrics")).headers.get("content-type")).toContain("version=0.0.4");
  const producer = await Producer.connect(port, `${preamble()}12345`);
  await until(() => room.taken.length === 1);
  const numbers = await metrics();
  expect(numbers.get("roomcast_bridge_producers")).toBe(1);
  expect(numbers.get("roomcast_bridge_bytes_total")).toBe(5);
  expect(numbers.get("roomcast_bridge_frames_total")).toBe(1);
  for (const name of ["buffer_bytes", "unacked_bytes", "reconnects_total", "blocked_seconds_total"]) {
    expect(numbers.has(`roomcast_bridge_${name}`)).toBe(true);
  }
  expect(numbers.get("roomcast_bridge_join_seconds_count")).toBe(1);
  await until(async () => (await metrics()).get("roomcast_bridge_ack_seconds_count") === 1);
  expect([...numbers.keys()].filter((name) => name.startsWith("roomcast_bridge_build_info"))).toEqual([
    `roomcast_bridge_build_info{version="${manifest.version}",node="${process.version}"}`,
  ]);
  expect(numbers.get("process_resident_memory_bytes")).toBeGreaterThan(1e6);
  await bridge.drain(5000);
  expect((await get("/readyz")).status).toBe(503);
  await producer.hungUp();
});

test("T20 a drain delivers the buffers, tells the producers, and accepts no new ones", async () => {
  const { bridge, port, room } = await setup();
  room.behaviour.window = 0;
  const producer = await Producer.connect(port, `${preamble()}precious`);
  const waiting = await Producer.connect(port, "ROOMCAST/1 room=demo");
  await producer.lines(1);
  const drained = bridge.drain(5000);
  await expect(Producer.connect(port)).rejects.toThrow("ECONNREFUSED");
  expect(await waiting.hungUp()).toMatch(/^ERROR going_away /);
  room.openWindow(1 << 20);
  expect(await producer.hungUp()).toMatch(/^OK connection=c1\nERROR going_away /);
  expect(await drained).toBe(true);
  expect(room.bytes.toString()).toBe("precious");
});

test("a drain that cannot deliver gives up at its deadline, and close ends everything", async () => {
  const { bridge, port, room } = await setup();
  room.behaviour.window = 0;
  const producer = await Producer.connect(port, `${preamble()}stuck`);
  await producer.lines(1);
  expect(await bridge.drain(50)).toBe(false);
  await bridge.close();
  await until(() => producer.socket.destroyed || producer.socket.readableEnded);
});

test("an address that is taken", async () => {
  const taken = createServer().listen(0, "127.0.0.1");
  await until(() => taken.listening);
  const address = taken.address();
  const port = typeof address === "object" ? address?.port : 0;
  const flags = { listen: ["tcp://127.0.0.1:0", `tcp://127.0.0.1:${port}`], status: "127.0.0.1:0" };
  const config = readConfig({ flags, env: {}, file: undefined });
  await expect(startBridge(config, { log: createLogger("silent") })).rejects.toThrow("EADDRINUSE");
  taken.close();
});
