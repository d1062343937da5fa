// A disk that fills up under a room in use: requests that have to write are refused, and no connection is cut.
import { execFileSync } from "node:child_process";
import { appendFileSync, mkdtempSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { WebSocket } from "ws";
import { createRoom } from "../support/local-room.ts";
import { waitFor } from "../support/wait.ts";
import { WorkerProcess } from "../support/worker-process.ts";

/** Only root can mount a small disk. */
const isRoot = process.getuid?.() === 0 && process.platform === "linux";
const DISK_BYTES = 16 * 1024 * 1024;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "roomcast-disk-"));
});
afterEach(() => {
  if (isRoot) execFileSync("umount", ["-l", folder]);
  rmSync(folder, { recursive: true, force: true });
});

test.runIf(isRoot)("H18 a full disk refuses requests that have to write, and the room continues", async () => {
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${DISK_BYTES}`, "tmpfs", folder]);
  await using worker = await WorkerProcess.start(folder);
  const { room, tokens } = await createRoom(worker.url);
  const headers = { authorization: `Bearer ${tokens.admin}` };
  const ask = async (method: string, path: string, body?: object) => {
    const init = body === undefined ? { method, headers } : { method, headers, body: JSON.stringify(body) };
    return (await fetch(`${worker.url}/api/rooms/${room}${path}`, init)).status;
  };
  const [first, second] = [await open(worker.url, room, tokens), await open(worker.url, room, tokens)];
  const padding = join(folder, "padding");
  fill(padding);
  expect(await ask("POST", "/tickets", {})).toBe(503);
  expect(await ask("PATCH", "", { settings: { title: "x" } })).toBe(503);
  expect(await ask("POST", "/revocations", { jti: "x" })).toBe(503);
  expect(await ask("DELETE", "")).toBe(503);
  const third = await open(worker.url, room, tokens);
  expect(await ask("GET", "")).toBe(200);
  expect(await ask("POST", "/messages", { body: "still here" })).toBe(200);
  await waitFor("the message", () => [first, second, third].every(({ heard }) => heard.includes("still here")));
  rmSync(padding);
  await waitFor("room again", async () => (await ask("POST", "/tickets", {})) === 201);
  expect([first, second, third].map(({ socket }) => socket.readyState)).toEqual([1, 1, 1]);
  for (const { socket } of [first, second, third]) socket.terminate();
});

async function open(url: string, room: string, tokens: { subscribe: string }) {
  const socket = new WebSocket(`${url.replace("http", "ws")}/rooms/${room}/ws`, "roomcast.v1", {
    headers: { authorization: `Bearer ${tokens.subscribe}` },
  });
  const peer = { socket, heard: "" };
  socket.on("message", (data) => {
    peer.heard += String(data);
  });
  await waitFor("a welcome", () => peer.heard.includes("welcome"));
  return peer;
}

/** Writes until the disk has no free page. The Worker writes, too, so nobody knows how many there are. */
function fill(path: string): void {
  const page = Buffer.alloc(statfsSync(folder).bsize);
  try {
    for (;;) appendFileSync(path, page);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
  }
}
