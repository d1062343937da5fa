// SIGTERM with much in the buffer, in front of a slow room.
import { createHash, randomBytes } from "node:crypto";
import { expect, onTestFinished, test } from "vitest";
import { Producer, preamble } from "../ingest-bridge/support/producer.ts";
import { ScriptedRoom } from "../ingest-bridge/support/room.ts";
import { startBridgeProcess } from "../support/bridge.ts";
import { waitFor } from "../support/wait.ts";

const BYTES = 8 * 1024 * 1024;
const WINDOW_BYTES = 256 * 1024;
/** How often the slow room acknowledges: 5 MiB/s. */
const ACK_MS = 50;

const hash = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

test("T20 SIGTERM: 8 MiB in the buffer reach a slow room, then the bridge exits with 0", async () => {
  const room = await ScriptedRoom.start();
  onTestFinished(() => room.stop());
  room.behaviour.window = 0;
  room.behaviour.acks = false;
  // Without a limit that a slow machine reaches.
  await using bridge = await startBridgeProcess(room.url, ["--drain-timeout", "60"]);
  const [, statusPort] = await bridge.process.says(/"statusPort":(\d+)/);
  const buffered = async () => {
    const text = await (await fetch(`http://127.0.0.1:${statusPort}/metrics`)).text();
    return Number(/^roomcast_bridge_buffer_bytes (\d+)/m.exec(text)?.[1]);
  };
  const sent = randomBytes(BYTES);
  const producer = await Producer.connect(bridge.port, preamble());
  await producer.lines(1);
  producer.socket.write(sent);
  await waitFor("8 MiB in the buffer", async () => (await buffered()) >= BYTES);
  expect(room.taken).toEqual([]);
  bridge.process.child.kill("SIGTERM");
  await bridge.process.says(/"draining"/);
  const timer = setInterval(() => room.openWindow(WINDOW_BYTES), ACK_MS);
  onTestFinished(() => clearInterval(timer));
  expect(await bridge.process.exit).toBe(0);
  expect(hash(room.bytes)).toBe(hash(sent));
  expect(await producer.hungUp()).toMatch(/^OK connection=c1\nERROR going_away /);
});

test("T20 SIGTERM: what cannot be delivered in time costs the exit code", async () => {
  const room = await ScriptedRoom.start();
  onTestFinished(() => room.stop());
  room.behaviour.window = 0;
  await using bridge = await startBridgeProcess(room.url, ["--drain-timeout", "1"]);
  const producer = await Producer.connect(bridge.port, `${preamble()}stuck`);
  await producer.lines(1);
  bridge.process.child.kill("SIGTERM");
  expect(await bridge.process.exit).toBe(1);
  expect(bridge.process.stderr).toContain("roomcast: some data was not delivered within 1 s");
});
