// The environment of Node, with real sockets.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { deferred } from "../../client/deferred.ts";
import type { SocketClose } from "../../client/environment.ts";
import type { SubscriberEvent } from "../../client/events.ts";
import { nodeEnvironment } from "../../client/node.ts";
import { Publisher } from "../../client/publisher.ts";
import { Subscriber } from "../../client/subscriber.ts";
import { readMessage } from "../../protocol/frame.ts";
import { waitFor } from "../support/wait.ts";
import { accept, ack, announce, message, text, WELCOME } from "./support/room.ts";

const closing: (() => void)[] = [];

afterEach(() => {
  for (const close of closing.splice(0)) close();
});

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A room on a real socket: `play` is called for each connection; `urls` are the requested ones. */
async function serve(play: (socket: WebSocket, connection: number) => void) {
  const server = createServer();
  const sockets = new WebSocketServer({ server, handleProtocols: () => "roomcast.v1" });
  const urls: (string | undefined)[] = [];
  sockets.on("connection", (socket, request) => {
    urls.push(request.url);
    play(socket, urls.length);
  });
  return { url: await listen(server), urls };
}

const say = (socket: WebSocket, control: unknown) => socket.send(JSON.stringify(control));
const common = { room: "r", token: "t", environment: { ...nodeEnvironment, random: () => 0 } };

describe("on real sockets", () => {
  test("P2 S4 a publisher and a subscriber continue after their connections were cut", async () => {
    const received: string[] = [];
    const { url } = await serve((socket, connection) => {
      say(socket, WELCOME);
      say(socket, accept({ sequence: received.length }));
      socket.on("message", (data, binary) => {
        if (!binary) return;
        const bytes = data as Buffer;
        for (const { start, end } of readMessage(bytes)) received.push(bytes.subarray(start, end).toString());
        if (connection === 1) socket.terminate();
        else say(socket, ack(received.length));
      });
    });
    const publisher = new Publisher({ url, ...common });
    await publisher.write([text("a"), text("b")]);
    await publisher.ready();
    await sleep(20);
    await publisher.write([text("c")]);
    await publisher.end();
    expect(received).toEqual(["a", "b", "c", ""]);

    const room = await serve((socket, connection) => {
      say(socket, announce(connection));
      socket.send(message([connection]), () => connection === 1 && socket.close(4000, "going_away retry=1"));
    });
    const events: SubscriberEvent[] = [];
    for await (const event of new Subscriber({ url: room.url, ...common })) {
      if (event.type === "frame") events.push(event);
      if (events.length === 2) break;
    }
    expect(events).toMatchObject([{ sequence: 1 }, { sequence: 2 }]);
    expect(room.urls).toEqual(
      ["", "&start=main%3Ae1.2"].map((start) => `/rooms/r/ws?role=subscribe&ping=1000${start}`),
    );
  });

  test.each([
    ["application/problem+json", JSON.stringify({ code: "room_not_found" }), "room_not_found"],
    ["text/html", "<h1>no</h1>", "http_404"],
    ["application/problem+json", JSON.stringify({ code: "room_not_found", detail: "x".repeat(100_000) }), "http_404"],
  ])("W1 a refused upgrade tells why (%s)", async (type, body, code) => {
    const server = createServer();
    server.on("upgrade", (_request, socket) => {
      socket.on("error", () => {});
      socket.end(`HTTP/1.1 404 Not Found\r\ncontent-type: ${type}\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    });
    const publisher = new Publisher({ url: await listen(server), ...common });
    await expect(publisher.ready()).rejects.toMatchObject({ code, status: 404 });
  });

  test("R2 a refused upgrade tells how long to wait", async () => {
    const server = createServer();
    server.on("upgrade", (_request, socket) => {
      socket.end("HTTP/1.1 503 Service Unavailable\r\nretry-after: 7\r\ncontent-length: 2\r\n\r\n{}");
    });
    const url = await listen(server);
    const socket = nodeEnvironment.dial(url.replace("http", "ws"), ["roomcast.v1"]);
    const closed = await new Promise<SocketClose>((resolve) => {
      socket.onclose = resolve;
    });
    expect(closed.refusal).toEqual({ status: 503, code: "http_503", retryAfterMs: 7000 });
  });

  test("H6 HTTP requests go with their method and headers; answers are read whole, up to a bound", async () => {
    const seen: string[] = [];
    const server = createServer((request, response) => {
      seen.push(`${request.method} ${request.url} ${request.headers.authorization}`);
      if (request.method === "POST") return response.writeHead(204).end();
      response.writeHead(503, { "retry-after": "3" });
      response.end(
        JSON.stringify({ code: "room_unavailable", detail: "x".repeat(request.url === "/long" ? 100_000 : 0) }),
      );
    });
    const url = await listen(server);
    const headers = { authorization: "Bearer t" };
    const accepted = await nodeEnvironment.fetch?.(`${url}/token`, { method: "POST", headers });
    expect(accepted?.status).toBe(204);
    const refused = await nodeEnvironment.fetch?.(`${url}/short`, { headers });
    expect([refused?.status, refused?.headers?.get("retry-after")]).toEqual([503, "3"]);
    expect(await refused?.json()).toMatchObject({ code: "room_unavailable" });
    const long = await nodeEnvironment.fetch?.(`${url}/long`, { headers });
    await expect(long?.json()).rejects.toThrow(SyntaxError);
    expect(seen).toEqual(["POST /token Bearer t", "GET /short Bearer t", "GET /long Bearer t"]);
  });

  test("a port where nobody listens is tried again", async () => {
    const server = createServer();
    const url = await listen(server);
    server.close();
    const publisher = new Publisher({ url, ...common });
    await sleep(50);
    publisher.close();
    expect(await publisher.closed).toBeUndefined();
    expect(publisher.stats.connected).toBe(false);
  });

  test("C2 a consumer that does not read stops the room: TCP pressure, and no pings", async () => {
    let pings = 0;
    let room: WebSocket | undefined;
    const { url } = await serve((socket) => {
      room = socket;
      say(socket, announce());
      socket.on("message", (data) => String(data) === "ping" && pings++ < 1 && socket.send("pong"));
      for (let sequence = 0; sequence < 300; sequence++) {
        socket.send(message([sequence], { payload: new Uint8Array(100_000) }));
      }
    });
    const subscriber = new Subscriber({ url, ...common, maxQueueBytes: 1_000_000 });
    const iterator = subscriber[Symbol.asyncIterator]();
    await iterator.next();
    // Several looks: after a pause of the process, a timer comes before the bytes that have arrived.
    const stuck = await waitFor("the kernel's buffers to be full", async () => {
      const before = room?.bufferedAmount;
      for (let look = 0; look < 10; look++) {
        await sleep(50);
        if (room?.bufferedAmount !== before) return undefined;
      }
      return before;
    });
    expect(stuck).toBeGreaterThan(10_000_000);
    expect(subscriber.stats.bytes).toBeLessThan(2_000_000);
    await sleep(700);
    expect(stuck - (room?.bufferedAmount ?? 0)).toBeLessThan(1_000_000);
    expect(pings).toBeLessThanOrEqual(1);
    for await (const event of { [Symbol.asyncIterator]: () => iterator }) {
      if (event.type === "frame" && event.sequence === 299) break;
    }
    expect(subscriber.stats).toMatchObject({ frames: 300, gaps: 0 });
  });

  test("sent bytes may be changed at once, even if the socket cannot take them yet", async () => {
    const received = deferred<Buffer>();
    const { url } = await serve((socket) => socket.on("message", (data) => received.resolve(data as Buffer)));
    const socket = nodeEnvironment.dial(url.replace("http", "ws"), ["roomcast.v1"]);
    closing.push(() => socket.close());
    socket.onopen = () => {
      const bytes = new Uint8Array(32 * 1024 * 1024).fill(1);
      socket.send(bytes);
      expect(socket.bufferedAmount).toBeGreaterThan(1024 * 1024);
      bytes.fill(2);
    };
    expect((await received.promise).includes(2)).toBe(false);
  });

  test("a peer that does not answer a close is cut off", async () => {
    const { url } = await serve((socket) => socket.pause());
    const socket = nodeEnvironment.dial(url.replace("http", "ws"), ["roomcast.v1"]);
    socket.onopen = () => socket.close(1000);
    const code = await new Promise<number>((resolve) => {
      socket.onclose = (event) => resolve(event.code);
    });
    expect(code).toBe(1006);
  });
});
