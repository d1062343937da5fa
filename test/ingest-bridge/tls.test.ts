// Producers over TLS. The certificate in support/ is only for this test.
import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import tls from "node:tls";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { ConfigError } from "../../ingest-bridge/index.ts";
import { Producer, preamble } from "./support/producer.ts";
import { setup } from "./support/setup.ts";
import { until } from "./support/until.ts";

const PEM = fileURLToPath(new URL("support/localhost.pem", import.meta.url));
const OTHER = fileURLToPath(new URL("support/other.pem", import.meta.url));
const LISTEN = [`tls://127.0.0.1:0?cert=${PEM}&key=${PEM}`];

/** Trusts the certificate in `pem`; `own`: presents the one in that file. */
async function connectTls(port: number, pem = PEM, own?: string): Promise<tls.TLSSocket> {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  const shown = own === undefined ? undefined : await readFile(own);
  return tls.connect({ socket, servername: "localhost", ca: await readFile(pem), cert: shown, key: shown });
}

test("T18 the same as over TCP, half-close included", async () => {
  const { port, room, bridge } = await setup({ listen: LISTEN });
  expect(bridge.listeners[0]?.url).toBe(`tls://127.0.0.1:${port}`);
  const producer = await Producer.on(await connectTls(port), "secureConnect", `${preamble()}hello`);
  producer.socket.end(" world");
  expect(await producer.hungUp()).toBe("OK connection=c1\nEND bytes=11\n");
  expect(room.bytes.toString()).toBe("hello world");
});

test("a refusal is reported", async () => {
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

test("T18 certificates are read again: connections stay, new ones get the new certificate", async () => {
  const folder = await mkdtemp(join(tmpdir(), "roomcast-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const pem = join(folder, "both.pem");
  await copyFile(PEM, pem);
  const { port, room, bridge, log } = await setup({ listen: [`tls://127.0.0.1:0?cert=${pem}&key=${pem}`] });
  const before = await Producer.on(await connectTls(port), "secureConnect", `${preamble()}one`);
  await until(() => room.bytes.length === 3);
  await copyFile(OTHER, pem);
  await bridge.reload();
  const after = await Producer.on(await connectTls(port, OTHER), "secureConnect", preamble("track=other"));
  expect(await after.lines(1)).toEqual(["OK connection=c2"]);
  await writeFile(pem, "no certificate");
  await bridge.reload();
  expect(log.some((line) => line.includes("certificates not reloaded"))).toBe(true);
  const still = await Producer.on(await connectTls(port, OTHER), "secureConnect", preamble("track=third"));
  expect(await still.lines(1)).toEqual(["OK connection=c3"]);
  before.socket.end("two");
  expect(await before.hungUp()).toBe("OK connection=c1\nEND bytes=6\n");
});

test("T18 where producers need a certificate, one without, and one with another, reach nothing", async () => {
  const { port, room } = await setup({ listen: [`${LISTEN[0]}&client-ca=${OTHER}`] });
  for (const own of [undefined, PEM]) {
    const socket = await connectTls(port, PEM, own);
    socket.on("error", () => {});
    socket.write(preamble());
    await until(() => socket.destroyed || socket.readableEnded);
  }
  expect(room.tokens).toEqual([]);
  const producer = await Producer.on(await connectTls(port, PEM, OTHER), "secureConnect", preamble());
  expect(await producer.lines(1)).toEqual(["OK connection=c1"]);
});

test("certificates that cannot be used are reported together", async () => {
  const listen = ["tls://127.0.0.1:0?cert=/nowhere&key=/nowhere", `tls://127.0.0.1:0?cert=${PEM}&key=/nowhere`];
  const failure = await setup({ listen }).catch((error) => error);
  expect(failure).toBeInstanceOf(ConfigError);
  expect(failure.problems).toHaveLength(2);
});
