// `roomcast bridge` and `roomcast send`, as processes.
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type AddressInfo, connect } from "node:net";
import tls from "node:tls";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { ScriptedRoom } from "../ingest-bridge/support/room.ts";
import { setup } from "../ingest-bridge/support/setup.ts";
import { until } from "../ingest-bridge/support/until.ts";
import { DEADLINE_MS, finished, roomcast } from "./support.ts";

const hash = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const env = { ROOMCAST_TOKEN: "a.b.c" };
const PEM = fileURLToPath(new URL("../ingest-bridge/support/localhost.pem", import.meta.url));
const OTHER = fileURLToPath(new URL("../ingest-bridge/support/other.pem", import.meta.url));

async function startBridge() {
  const room = await ScriptedRoom.start();
  onTestFinished(() => room.stop());
  const bridge = roomcast(["bridge", "--listen", "tcp://127.0.0.1:0"], {
    env: { ROOMCAST_STATUS: "127.0.0.1:0", ROOMCAST_WORKER: room.url },
  });
  await bridge.says("bridge started");
  const port = Number(/"tcp:\/\/127\.0\.0\.1:(\d+)"/.exec(bridge.stderr)?.[1]);
  return { room, bridge, ingest: ["--ingest", `127.0.0.1:${port}`] };
}

test("stdin goes through the bridge into the room; SIGHUP does no harm, SIGTERM ends the bridge", async () => {
  const { room, bridge, ingest } = await startBridge();
  const bytes = randomBytes(5 << 20);
  const sent = await finished(["send", "demo", ...ingest, "--track", "cam"], { env, input: bytes });
  expect(sent).toEqual({ code: 0, stdout: "", stderr: "" });
  expect(hash(room.bytes)).toBe(hash(bytes));
  expect(room.tokens).toEqual(["a.b.c"]);
  bridge.child.kill("SIGHUP");
  await bridge.says("certificates reloaded");
  bridge.child.kill("SIGTERM");
  expect(await bridge.exit).toBe(0);
  expect(bridge.stderr).not.toContain("a.b.c");
});

/** A TLS server with the certificate for localhost. Returns its port. */
async function startTls(serve: (socket: tls.TLSSocket) => void): Promise<number> {
  const pem = readFileSync(PEM);
  const server = tls.createServer({ cert: pem, key: pem, allowHalfOpen: true }, serve).on("tlsClientError", () => {});
  onTestFinished(() => void server.close());
  await once(server.listen(0, "127.0.0.1"), "listening");
  return (server.address() as AddressInfo).port;
}

test.each([
  ["the bridge's own", () => setup({ listen: [`tls://127.0.0.1:0?cert=${PEM}&key=${PEM}`] })],
  [
    "a server in front of the bridge",
    async () => {
      const { port: behind, room } = await setup();
      const port = await startTls((socket) => {
        const { servername } = socket as tls.TLSSocket & { servername?: unknown };
        // As a server for several names does.
        if (servername !== "localhost") return void socket.destroy();
        const bridge = connect({ port: behind, host: "127.0.0.1", allowHalfOpen: true });
        socket.pipe(bridge).pipe(socket);
      });
      return { port, room };
    },
  ],
] as const)("T18 T5 send speaks TLS with %s", async (_name, start) => {
  const { port, room } = await start();
  const bytes = randomBytes(5 << 20);
  const args = ["send", "demo", "--ingest", `tls://localhost:${port}`, "--ca", PEM];
  expect(await finished(args, { env, input: bytes })).toEqual({ code: 0, stdout: "", stderr: "" });
  expect(hash(room.bytes)).toBe(hash(bytes));
});

test.each([
  ["that nobody trusts", "localhost", [], "self-signed certificate"],
  ["of another authority", "localhost", ["--ca", OTHER], "self-signed certificate"],
  ["for another name", "127.0.0.1", ["--ca", PEM], "does not match"],
])("a server with a certificate %s gets no token from send", async (_name, host, ca, message) => {
  const got: Buffer[] = [];
  const port = await startTls((socket) => void socket.on("error", () => {}).on("data", (bytes) => got.push(bytes)));
  const { code, stderr } = await finished(["send", "demo", "--ingest", `tls://${host}:${port}`, ...ca], { env });
  expect(code).toBe(1);
  expect(stderr).toMatch(/^roomcast: the connection to the bridge failed: [ -~]+\n$/);
  expect(stderr).toContain(message);
  expect(String(Buffer.concat(got))).toBe("");
});

test("a bridge that drains tells its producers, and send says so", async () => {
  const { room, bridge, ingest } = await startBridge();
  const send = roomcast(["send", "demo", ...ingest], { env });
  send.child.stdin?.write("x");
  await until(() => room.taken.length === 1, DEADLINE_MS);
  bridge.child.kill("SIGINT");
  expect(await bridge.exit).toBe(0);
  expect(await send.exit).toBe(1);
  expect(send.stderr).toContain("roomcast: ERROR going_away");
});

test("send fails with the bridge's error", async () => {
  const { port, room } = await setup();
  room.behaviour.refuse = () => ({ status: 403, code: "forbidden" });
  const send = roomcast(["send", "demo", "--ingest", `127.0.0.1:${port}`], { env });
  expect(await send.exit).toBe(1);
  expect(send.stderr).toMatch(/^roomcast: ERROR forbidden [ -~]+\n$/);
});

test("send fails without a bridge", async () => {
  const { code, stderr } = await finished(["send", "demo", "--ingest", "127.0.0.1:9"], { env });
  expect(code).toBe(1);
  expect(stderr).toMatch(/^roomcast: the connection to the bridge failed: .*ECONNREFUSED/);
});

test("an address that is taken is a failure while running", async () => {
  const { port } = await setup();
  const { code, stderr } = await finished(["bridge", "--listen", `tcp://127.0.0.1:${port}`]);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^roomcast: .*EADDRINUSE/);
});
