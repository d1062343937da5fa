// `roomcast start` when it cannot start, and when it is killed instead of stopped.
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test, vi } from "vitest";
import { descendantsOf, isRunning, Process } from "../support/processes.ts";
import { waitFor, within } from "../support/wait.ts";

const ROOMCAST = fileURLToPath(new URL("../../cli/roomcast.ts", import.meta.url));
const PORTS = ["--port", "0", "--ingest-port", "0", "--status-port", "0"];
const WAIT_MS = 60_000;
/** Each test starts the Worker more than once, while another file uses the other core. */
vi.setConfig({ testTimeout: 2 * WAIT_MS });

const folder = mkdtempSync(join(tmpdir(), "roomcast-start-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("a port that is taken ends it, with one line", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const port = String((server.address() as AddressInfo).port);
  try {
    await using start = Process.roomcast(["start", "--no-sample", ...PORTS, "--port", port], { cwd: folder });
    expect(await within("its end", start.exit, WAIT_MS)).toBe(1);
    expect(start.stderr).toMatch(/^roomcast: the Worker did not start: .*in use/i);
    await using other = Process.roomcast(["start", "--no-sample", ...PORTS, "--ingest-port", port], { cwd: folder });
    expect(await within("its end", other.exit, WAIT_MS)).toBe(1);
    expect(other.stderr).toMatch(/EADDRINUSE/);
  } finally {
    server.close();
  }
});

test("a state folder that cannot be written to ends it, and it says why", async () => {
  writeFileSync(join(folder, "file"), "");
  await using start = Process.roomcast(["start", ...PORTS, "--state", "file/state"], { cwd: folder });
  expect(await within("its end", start.exit, WAIT_MS)).toBe(1);
  expect(start.stderr).toMatch(/^roomcast: cannot write to --state file\/state: ENOTDIR/);
});

test("child processes end with it, whether it is killed or its parent ends", async () => {
  await using killed = Process.roomcast(["start", ...PORTS, "--state", "killed"], { cwd: folder });
  // As under npm: a shell in between, which alone gets the signal.
  const line = `"${process.execPath}" "${ROOMCAST}" start ${PORTS.join(" ")} --state orphaned; exit $?`;
  await using shell = Process.start("sh", ["-c", line], { cwd: folder, env: { npm_lifecycle_event: "start" } });
  const started: number[] = [];
  for (const one of [killed, shell]) {
    await one.says(/Ctrl-C stops everything/, WAIT_MS);
    started.push(...descendantsOf(one.pid));
  }
  expect(started.length, "workerd, and what guards it, for each").toBeGreaterThanOrEqual(5);
  killed.child.kill("SIGKILL");
  shell.child.kill("SIGTERM");
  await waitFor("the end of all of it", () => !started.some(isRunning), WAIT_MS);
});

test("--host: rooms and bridge listen there, and nowhere else", async () => {
  const host = "127.0.0.2";
  await using start = Process.roomcast(["start", "--no-sample", "--host", host, ...PORTS], { cwd: folder });
  const [, url = "", room, token] = await start.says(/(http:\/\/[^/]+)\/rooms\/(\w+)#token=(\S+)/, WAIT_MS);
  await start.says(/Ctrl-C stops everything/, WAIT_MS);
  expect(new URL(url).hostname).toBe(host);
  const headers = { authorization: `Bearer ${token}` };
  expect((await fetch(`${url}/api/rooms/${room}`, { headers })).status).toBe(200);
  await expect(fetch(url.replace(host, "127.0.0.1"))).rejects.toThrow();
  const [, ingest = ""] = await start.says(/--ingest (\S+)/, WAIT_MS);
  const [name, port] = ingest.split(":");
  expect(name).toBe(host);
  const dial = async (to: string) => {
    const socket = connect(Number(port), to);
    await once(socket, "connect");
    socket.destroy();
  };
  await dial(host);
  await expect(dial("127.0.0.1")).rejects.toThrow("ECONNREFUSED");
});
