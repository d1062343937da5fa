// `roomcast watch`, as a process, against a scripted room.
import { expect, onTestFinished, test } from "vitest";
import type { WebSocket } from "ws";
import { encodeMessage, Flag, FrameType } from "../../protocol/frame.ts";
import { ScriptedRoom, say } from "../ingest-bridge/support/room.ts";
import { until } from "../ingest-bridge/support/until.ts";
import { DEADLINE_MS, finished, roomcast } from "./support.ts";

const env = { ROOMCAST_TOKEN: "a.b.c" };

async function startRoom(): Promise<ScriptedRoom> {
  const room = await ScriptedRoom.start();
  onTestFinished(() => room.stop());
  return room;
}

function send(socket: WebSocket, type: number, sequence: number, text: string | Uint8Array, flags = 0): void {
  const payload = Buffer.from(text);
  socket.send(encodeMessage([{ type, flags, track: 3, sequence, timestamp: 1, payload }]));
}

test("writes inits and payloads, tells gaps and sources, and Ctrl-C ends it", async () => {
  const room = await startRoom();
  let asked = "";
  room.behaviour.play = (socket, query) => {
    asked = query.toString();
    say(socket, { type: "source", name: "cam", state: "online" });
    say(socket, { type: "track", track: 3, name: "cam", epoch: "e1", sequence: 5 });
    send(socket, FrameType.init, 5, "[init]");
    send(socket, FrameType.frame, 5, "five,", Flag.key);
    say(socket, { type: "gap", name: "cam", epoch: "e1", from: 6, to: 8, reason: "lagged" });
    send(socket, FrameType.init, 9, "[init]");
    send(socket, FrameType.frame, 9, "nine", Flag.key);
    send(socket, FrameType.frame, 10, "", Flag.end);
  };
  const watch = roomcast(["watch", "demo", "--url", room.url, "--track", "cam", "--start", "-5"], { env });
  await until(() => watch.stdout.toString().endsWith("nine"), DEADLINE_MS);
  expect(watch.stdout.toString()).toBe("[init]five,nine");
  expect(asked).toContain("tracks=cam");
  expect(asked).toContain("start=-5");
  await watch.says("gap from e1.6 to 8 (lagged)");
  await watch.says("the source is online");
  watch.child.kill("SIGINT");
  expect(await watch.exit).toBe(0);
});

test("a refusal is a line with its code", async () => {
  const room = await startRoom();
  room.behaviour.refuse = () => ({ status: 404, code: "room_not_found" });
  const { code, stdout, stderr } = await finished(["watch", "demo", "--url", room.url], { env });
  expect(stderr).toMatch(/roomcast: .*room_not_found.*\n$/);
  expect(code).toBe(1);
  expect(stdout).toBe("");
});

test("the reader of stdout may leave", async () => {
  const room = await startRoom();
  let socket: WebSocket | undefined;
  room.behaviour.play = (opened) => {
    socket = opened;
    say(opened, { type: "track", track: 3, name: "main", epoch: "e1", sequence: 0 });
    send(opened, FrameType.frame, 0, "first", Flag.key);
  };
  const watch = roomcast(["watch", "demo", "--url", room.url], { env });
  await until(() => watch.stdout.length > 0, DEADLINE_MS);
  watch.child.stdout?.destroy();
  if (socket !== undefined) send(socket, FrameType.frame, 1, "second", Flag.key);
  expect(await watch.exit).toBe(0);
});

test("a slow reader of stdout slows the room down", async () => {
  const room = await startRoom();
  let socket: WebSocket | undefined;
  let sent = 0;
  room.behaviour.play = (opened) => {
    socket = opened;
    say(opened, { type: "track", track: 3, name: "main", epoch: "e1", sequence: 0 });
  };
  const watch = roomcast(["watch", "demo", "--url", room.url], { env });
  let received = 0;
  watch.child.stdout?.on("data", (chunk) => {
    received += chunk.length;
  });
  watch.child.stdout?.pause();
  await until(() => socket !== undefined, DEADLINE_MS);
  const frame = new Uint8Array(1 << 20);
  await until(() => {
    if (socket === undefined || sent === 64) return true;
    send(socket, FrameType.frame, sent++, frame, Flag.key);
    return socket.bufferedAmount > 16 << 20;
  });
  expect(sent).toBeLessThan(64);
  watch.child.stdout?.resume();
  await until(() => received === sent << 20, DEADLINE_MS);
});
