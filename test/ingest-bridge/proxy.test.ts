// Behind a load balancer: the PROXY header, version 2.
import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import tls from "node:tls";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MAX_PROXY_BYTES, parseProxyAddresses, parseProxyHead } from "../../ingest-bridge/proxy.ts";
import { Producer, preamble } from "./support/producer.ts";
import { setup } from "./support/setup.ts";
import { until } from "./support/until.ts";

const SIGNATURE = Buffer.from("0d0a0d0a000d0a515549540a", "hex");
const TCP4 = Buffer.from([203, 0, 113, 7, 127, 0, 0, 1, 0x04, 0xd2, 0x23, 0x28]);
const TCP6 = Buffer.from("20010db8000000000000000000000001000000000000000000000000000000010016ffff", "hex");
const LISTEN = ["tcp://127.0.0.1:0?proxy=v2"];
const PEM = fileURLToPath(new URL("support/localhost.pem", import.meta.url));

function header(command: number, family: number, addresses: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt8(command, 0);
  head.writeUInt8(family, 1);
  head.writeUInt16BE(addresses.length, 2);
  return Buffer.concat([SIGNATURE, head, addresses]);
}

describe("a producer behind the header", () => {
  test.each([
    ["IPv4", header(0x21, 0x11, TCP4), '"peer":"203.0.113.7:1234"'],
    ["IPv6", header(0x21, 0x21, TCP6), '"peer":"[2001:db8:0:0:0:0:0:1]:22"'],
    ["IPv4 with extensions", header(0x21, 0x11, Buffer.concat([TCP4, Buffer.alloc(99)])), '"peer":"203.0.113.7:1234"'],
    ["a balancer that speaks for itself", header(0x20, 0x11, TCP4), '"peer":"127.0.0.1:'],
    ["one that does not say", header(0x21, 0, Buffer.alloc(0)), '"peer":"127.0.0.1:'],
  ])("T19 %s", async (_name, bytes, peer) => {
    const { port, room, log } = await setup({ listen: LISTEN });
    const producer = await Producer.connect(port);
    producer.socket.write(Buffer.concat([bytes, Buffer.from(`${preamble()}hello`)]));
    producer.socket.end();
    expect(await producer.hungUp()).toBe("OK connection=c1\nEND bytes=5\n");
    expect(room.bytes.toString()).toBe("hello");
    expect(log.filter((line) => line.includes("producer accepted")).join()).toContain(peer);
  });

  test("byte by byte", async () => {
    const { port } = await setup({ listen: LISTEN });
    const producer = await Producer.connect(port);
    for (const byte of Buffer.concat([header(0x21, 0x11, TCP4), Buffer.from(preamble())])) {
      producer.socket.write(Uint8Array.of(byte));
    }
    expect(await producer.lines(1)).toEqual(["OK connection=c1"]);
  });

  test("T19 T18 in front of TLS", async () => {
    const { port, room, log } = await setup({ listen: [`tls://127.0.0.1:0?cert=${PEM}&key=${PEM}&proxy=v2`] });
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    socket.write(header(0x21, 0x11, TCP4));
    const secure = tls.connect({ socket, servername: "localhost", ca: await readFile(PEM) });
    const producer = await Producer.on(secure, "secureConnect", `${preamble()}hello`);
    producer.socket.end();
    expect(await producer.hungUp()).toBe("OK connection=c1\nEND bytes=5\n");
    expect(room.bytes.toString()).toBe("hello");
    expect(log.some((line) => line.includes("203.0.113.7:1234"))).toBe(true);
  });

  test("the cap counts the producer's address, not the balancer's", async () => {
    const { port } = await setup({ listen: LISTEN, maxConnectionsPerAddress: 1 });
    const join = async (last: number, track: string) => {
      const addresses = Buffer.from(TCP4);
      addresses[3] = last;
      const producer = await Producer.connect(port);
      producer.socket.write(Buffer.concat([header(0x21, 0x11, addresses), Buffer.from(preamble(`track=${track}`))]));
      return (await producer.lines(1))[0];
    };
    expect(await join(1, "a")).toBe("OK connection=c1");
    expect(await join(2, "b")).toBe("OK connection=c2");
    expect(await join(2, "c")).toMatch(/^ERROR address_full /);
  });
});

describe("a wrong header", () => {
  test.each([
    ["none", Buffer.from(preamble())],
    ["version 1", Buffer.from("PROXY TCP4 203.0.113.7 127.0.0.1 1234 9000\r\n")],
    ["another version", header(0x11, 0x11, TCP4)],
    ["another command", header(0x22, 0x11, TCP4)],
    ["UDP", header(0x21, 0x12, TCP4)],
    ["a Unix socket", header(0x21, 0x31, Buffer.alloc(216))],
    ["cut off addresses", header(0x21, 0x11, TCP4.subarray(0, 11))],
    ["too long", header(0x21, 0x11, Buffer.alloc(MAX_PROXY_BYTES + 1))],
  ])("T19 %s: the connection is closed, without a word", async (_name, bytes) => {
    const { port, room, log } = await setup({ listen: LISTEN });
    const producer = await Producer.connect(port);
    producer.socket.write(Buffer.concat([bytes, Buffer.from(preamble())]));
    expect(await producer.hungUp()).toBe("");
    await until(() => log.some((line) => line.includes("connection not accepted")));
    expect(room.tokens).toEqual([]);
  });

  test("none in time", async () => {
    const { port, log } = await setup({ listen: LISTEN }, { preambleTimeoutMs: 50 });
    const producer = await Producer.connect(port, "\r\n");
    expect(await producer.hungUp()).toBe("");
    expect(log.some((line) => line.includes("no PROXY header in time"))).toBe(true);
  });

  test("any bytes at all are read or refused", () => {
    const near = fc.uint8Array({ minLength: 4, maxLength: 4 }).map((bytes) => Buffer.concat([SIGNATURE, bytes]));
    fc.assert(
      fc.property(near, fc.uint8Array({ maxLength: 64 }), (head, addresses) => {
        try {
          const { family } = parseProxyHead(head);
          parseProxyAddresses(family, Buffer.from(addresses));
        } catch (error) {
          expect(error).toMatchObject({ name: "ProxyError" });
        }
      }),
      { numRuns: 2000 },
    );
  });
});
