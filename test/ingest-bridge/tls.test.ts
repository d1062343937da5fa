// Producers over TLS. The certificate in support/ is for nothing but this.
import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import tls from "node:tls";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { ConfigError } from "../../ingest-bridge/index.ts";
import { Producer, preamble } from "./support/producer.ts";
import { setup } from "./support/setup.ts";
import { until } from "./support/until.ts";

const PEM = fileURLToPath(new URL("support/localhost.pem", import.meta.url));
const LISTEN = [`tls://127.0.0.1:0?cert=${PEM}&key=${PEM}`];

async function connectTls(port: number): Promise<tls.TLSSocket> {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  return tls.connect({ socket, servername: "localhost", ca: await readFile(PEM) });
}

test("the same as over TCP, half-close included", async () => {
  const { port, room, bridge } = await setup({ listen: LISTEN });
  expect(bridge.listeners[0]?.url).toBe(`tls://127.0.0.1:${port}`);
  const producer = await Producer.on(await connectTls(port), "secureConnect", `${preamble()}hello`);
  producer.socket.end(" world");
  expect(await producer.hungUp()).toBe("OK connection=c1\nEND bytes=11\n");
  expect(room.bytes.toString()).toBe("hello world");
});

test("a refusal is told", async () => {
  const { port } = await setup({ listen: LISTEN });
  const producer = await Producer.on(await connectTls(port), "secureConnect", "nonsense\n");
  expect(await producer.hungUp()).toMatch(/^ERROR preamble_invalid /);
});

test("a client that speaks no TLS is hung up on", async () => {
  const { port, room } = await setup({ listen: LISTEN });
  const producer = await Producer.connect(port, preamble());
  await until(() => producer.socket.readableEnded || producer.socket.destroyed);
  expect(room.tokens).toEqual([]);
});

test("certificates that cannot be used are told together", async () => {
  const listen = ["tls://127.0.0.1:0?cert=/nowhere&key=/nowhere", `tls://127.0.0.1:0?cert=${PEM}&key=/nowhere`];
  const failure = await setup({ listen }).catch((error) => error);
  expect(failure).toBeInstanceOf(ConfigError);
  expect(failure.problems).toHaveLength(2);
});
