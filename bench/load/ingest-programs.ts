// Programs of the ingest benchmark, each a process: a sink that behaves like a room, and a bare pipe from TCP to
// WebSocket.
import { once } from "node:events";
import net from "node:net";
import { WebSocket, WebSocketServer } from "ws";
import { HEADER_BYTES } from "../../protocol/frame.ts";

const ACK_BYTES = 64 * 1024;
const WINDOW_BYTES = 2 * 1024 * 1024;
/** The pipe stops reading while a WebSocket has buffered this much. */
const PIPE_BUFFER_BYTES = 1024 * 1024;

/** Takes everything. It answers publishers like a room, with acks for every 64 KiB; it closes others at their end. */
async function sink(): Promise<void> {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false });
  server.on("connection", (socket, request) => {
    socket.on("error", () => {});
    if (request.url?.includes("role=publish")) playRoom(socket);
  });
  await once(server, "listening");
  process.stdout.write(`ready ${(server.address() as net.AddressInfo).port}\n`);
}

function playRoom(socket: WebSocket): void {
  const say = (message: object) => socket.send(JSON.stringify(message));
  let next = 0;
  let unacked = 0;
  const acknowledge = () => {
    unacked = 0;
    say({ type: "ack", sequence: next, window: WINDOW_BYTES });
  };
  say({ type: "welcome", connection: "c1", room: "bench", now: 0 });
  say({ type: "publish", track: 0, name: "main", epoch: "e1", sequence: 0, window: WINDOW_BYTES, init: false });
  socket.on("message", (data: Buffer, isBinary) => {
    if (!isBinary) return data.toString() === "ping" ? socket.send("pong") : acknowledge();
    for (let at = 0; at < data.length; at += HEADER_BYTES + data.readUInt32BE(at + 4)) next++;
    unacked += data.length;
    if (unacked >= ACK_BYTES) acknowledge();
  });
}

/** Turns every chunk of a TCP connection into a message on its own WebSocket: no frames, no acks, nothing kept. */
async function pipe(url: string): Promise<void> {
  const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    const out = new WebSocket(url, { perMessageDeflate: false });
    socket.pause();
    out.on("open", () => socket.resume());
    out.on("close", () => socket.destroy());
    socket.on("data", (chunk) => {
      out.send(chunk, () => out.bufferedAmount < PIPE_BUFFER_BYTES && socket.resume());
      if (out.bufferedAmount > PIPE_BUFFER_BYTES) socket.pause();
    });
    socket.on("end", () => out.close());
    socket.on("error", () => {});
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  process.stdout.write(`ready ${(server.address() as net.AddressInfo).port}\n`);
}

if (import.meta.main) {
  const [program, url = ""] = process.argv.slice(2);
  await (program === "sink" ? sink() : pipe(url));
}
