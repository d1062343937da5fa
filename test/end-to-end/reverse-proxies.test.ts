// The snippets for Caddy and nginx, with the real programs if they are installed: TLS, WebSockets, and clients'
// addresses.
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { freePort } from "../../cli/free-port.ts";
import type { TestRoom } from "../support/local-room.ts";
import { Process } from "../support/processes.ts";
import { produce } from "../support/producer.ts";
import { ServeProcess } from "../support/serve-process.ts";
import { waitFor } from "../support/wait.ts";

const DEPLOY = fileURLToPath(new URL("../../serve/deploy/", import.meta.url));
const PEM = fileURLToPath(new URL("../ingest-bridge/support/localhost.pem", import.meta.url));
const AT_ONCE = 70;

let folder: string;
let server: ServeProcess;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "roomcast-proxies-"));
  const args = ["--trust-proxy", "127.0.0.1", "--var", "ROOM_CREATION=open"];
  server = await ServeProcess.start(join(folder, "state"), { args });
});

afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const isThere = (program: string) => spawnSync(program, ["version"]).error === undefined;

/** The snippet, for this machine's ports and certificate. */
async function snippet(name: string, port: number): Promise<string> {
  const text = await readFile(join(DEPLOY, name), "utf8");
  return text
    .replaceAll("127.0.0.1:8787", server.listen)
    .replace("rooms.example.com {", `https://localhost:${port} {\n\ttls ${PEM} ${PEM}`)
    .replace("listen 443 ssl", `listen 127.0.0.1:${port} ssl`)
    .replace("rooms.example.com;", "localhost;")
    .replace(/\/etc\/letsencrypt\S+pem;/g, `${PEM};`);
}

async function startCaddy(port: number): Promise<Process> {
  const file = join(folder, "Caddyfile");
  await writeFile(file, `{\n\tadmin off\n\tauto_https off\n}\n${await snippet("Caddyfile", port)}`);
  return Process.start("caddy", ["run", "--config", file, "--adapter", "caddyfile"], { env: { HOME: folder } });
}

async function startNginx(port: number): Promise<Process> {
  const file = join(folder, "nginx.conf");
  const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  const http = `http { access_log off; ${paths.join(" ")}\n${await snippet("nginx.conf", port)} }`;
  await writeFile(file, `daemon off; pid ${folder}/nginx.pid; error_log stderr; events {}\n${http}`);
  return Process.start("nginx", ["-c", file, "-p", folder]);
}

/** A request to the proxy, which has the certificate of these tests. */
async function ask(url: string, method = "GET"): Promise<{ status: number | undefined; body: TestRoom }> {
  const headers = { "x-forwarded-for": "203.0.113.9" };
  const asked = request(url, { method, headers, ca: await readFile(PEM) }).end();
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  return { status: response.statusCode, body: (await json(response)) as TestRoom };
}

describe.each([
  ["Caddy", "caddy", startCaddy],
  ["nginx", "nginx", startNginx],
] as const)("behind %s", (_, program, start) => {
  test.runIf(isThere(program))(
    "pages and WebSockets over TLS; what clients say of their address does not count",
    async () => {
      const port = await freePort();
      await using proxy = await start(port);
      const url = `https://localhost:${port}`;
      const ready = async () => (await ask(`${url}/api/health`).catch(() => undefined))?.status === 200;
      await waitFor(`the proxy to listen: ${proxy.stderr}`, ready);
      const { status, body: room } = await ask(`${url}/api/rooms`, "POST");
      expect([status, room.links.websocket]).toEqual([201, `wss://localhost:${port}/rooms/${room.room}/ws`]);
      expect(room.links.page).toMatch(new RegExp(`^${url}/rooms/`));
      const headers = { authorization: `Bearer ${room.tokens.subscribe}` };
      const socket = new WebSocket(room.links.websocket, { headers, ca: await readFile(PEM) });
      const got: Buffer[] = [];
      socket.on("message", (bytes: Buffer) => got.push(bytes));
      await waitFor("the WebSocket", () => socket.readyState === WebSocket.OPEN);
      const sent = Buffer.alloc(300_000, 7);
      await produce(server.ingestPort, { room: room.room, token: room.tokens.publish, framing: "raw" }, [sent]);
      await waitFor("the bytes", () => Buffer.concat(got).equals(sent));
      socket.terminate();
      // The requests come from this machine, which has no limit: if the header were believed, the 61st would be
      // refused.
      const answers = await Promise.all(Array.from({ length: AT_ONCE }, () => ask(`${url}/api/rooms`, "POST")));
      expect(answers.filter((answer) => answer.status !== 201)).toEqual([]);
    },
  );
});
