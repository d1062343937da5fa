// The raw WebSocket: answers to upgrades and frames of a server are read wherever TCP cuts them.
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import tls from "node:tls";
import { expect, onTestFinished, test } from "vitest";
import { WebSocketServer } from "ws";
import { deferred } from "../../client/deferred.ts";
import { Opcode } from "../../load/client-frame.ts";
import { ServerFrames } from "../../load/server-frames.ts";
import { type Answer, jsonOf, UpgradeAnswer } from "../../load/upgrade-answer.ts";
import { Wire } from "../../load/wire.ts";

const BODY = '{"code":"room_full"}';

/** The answer, and the rest, with `text` cut at `at`. */
function answerOf(text: string, at: number): Answer | undefined {
  const answer = new UpgradeAnswer();
  return answer.push(text.slice(0, at)) ?? answer.push(text.slice(at));
}

test.each([
  ["a length", `HTTP/1.1 503 No\r\nContent-Length: ${BODY.length}\r\nRetry-After: 7\r\n\r\n${BODY}`],
  ["chunks", `HTTP/1.1 503 No\r\nretry-after: 7\r\nTransfer-Encoding: chunked\r\n\r\n14\r\n${BODY}\r\n0\r\n\r\n`],
])("a refusal with %s, cut anywhere", (_name, text) => {
  for (let at = 0; at <= text.length; at++) {
    const answer = answerOf(text, at);
    expect(answer).toMatchObject({ is: "refused", status: 503, retryAfter: "7" });
    expect(jsonOf(answer?.is === "refused" ? answer.body : "")).toEqual({ code: "room_full" });
  }
});

test("an upgrade, with the bytes behind it, cut anywhere", () => {
  const head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n";
  for (let at = 0; at <= head.length + 3; at++) {
    expect(answerOf(`${head}abc`, at)).toEqual({
      is: "open",
      isCompressed: false,
      rest: at < head.length ? 3 : at - head.length,
    });
  }
  expect(answerOf(`${head.slice(0, -2)}Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n`, 5)).toMatchObject({
    isCompressed: true,
  });
});

test("an answer that never completes is returned as far as it came, or is cut", () => {
  const answer = new UpgradeAnswer();
  expect(answer.push("HTTP/1.1 502 Bad\r\nContent-Length: 10\r\n\r\nno")).toBeUndefined();
  expect(answer.refusal).toMatchObject({ status: 502, body: "no" });
  expect(new UpgradeAnswer().push("x".repeat(70_000))).toMatchObject({ is: "refused", status: 0 });
});

function frame(opcode: number, payload: string, isFinal = true): Buffer {
  const bytes = Buffer.from(payload);
  const length = bytes.length < 126 ? [bytes.length] : [126, bytes.length >> 8, bytes.length & 255];
  return Buffer.concat([Buffer.from([(isFinal ? 0x80 : 0) | opcode, ...length]), bytes]);
}

test("messages in parts, with control frames between them, cut anywhere", () => {
  const long = "l".repeat(300);
  const stream = Buffer.concat([
    frame(Opcode.binary, "one"),
    frame(Opcode.binary, "tw", false),
    frame(Opcode.ping, "are you there"),
    frame(0, "o", true),
    frame(Opcode.text, "te", false),
    frame(0, "xt"),
    frame(Opcode.binary, ""),
    frame(Opcode.binary, long),
    frame(Opcode.close, "\x0f\x20bye"),
  ]);
  for (let at = 0; at <= stream.length; at++) {
    const seen: string[] = [];
    let message = "";
    const frames = new ServerFrames(
      {
        data: (chunk, start, end, isLast) => {
          message += chunk.toString("latin1", start, end);
          if (isLast) seen.push(message);
          if (isLast) message = "";
        },
        text: (text) => void seen.push(`text ${text}`),
        closed: (code, reason) => void seen.push(`closed ${code} ${reason}`),
      },
      (payload) => void seen.push(`ping ${payload}`),
    );
    frames.push(stream.subarray(0, at), 0);
    frames.push(stream.subarray(at), 0);
    expect(seen).toEqual(["one", "ping are you there", "two", "text text", "", long, "closed 3872 bye"]);
    expect(frames.messages).toBe(4);
  }
});

test("a text without end is closed before it is kept", () => {
  const closes: number[] = [];
  const listener = { data: () => {}, text: () => {}, closed: (code: number) => void closes.push(code) };
  const frames = new ServerFrames(listener, () => {});
  const head = Buffer.alloc(10);
  head.set([0x81, 127]);
  head.writeBigUInt64BE(2n ** 40n, 2);
  frames.push(head, 0);
  for (let part = 0; part < 4; part++) frames.push(Buffer.alloc(64 * 1024, 97), 0);
  expect(closes[0]).toBe(1009);
});

test("over TLS, where the certificate is the server's", async () => {
  const pem = await readFile(new URL("../ingest-bridge/support/localhost.pem", import.meta.url));
  const server = createServer({ cert: pem, key: pem });
  new WebSocketServer({ server, perMessageDeflate: false }).on("connection", (socket) => {
    socket.on("message", (text) => socket.send(Buffer.alloc(Number(text))));
  });
  const before = tls.getCACertificates();
  tls.setDefaultCACertificates([...before, String(pem)]);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    tls.setDefaultCACertificates(before);
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const handshake = { address: "127.0.0.1", port, host: `localhost:${port}`, path: "/", headers: {} };
  let bytes = 0;
  const { promise, resolve } = deferred<void>();
  const data = (_chunk: Buffer, start: number, end: number, isLast: boolean) => {
    bytes += end - start;
    if (isLast) resolve();
  };
  const listener = { data, text: () => {}, closed: () => {} };
  const wire = await Wire.open({ ...handshake, tlsName: "localhost" }, listener);
  wire.sendText("1000000");
  await promise;
  expect(bytes).toBe(1_000_000);
  wire.destroy();
  await expect(Wire.open({ ...handshake, tlsName: "elsewhere" }, listener)).rejects.toThrow("elsewhere");
});
