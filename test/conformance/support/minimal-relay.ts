// The relay that tutorials show: every client of a path is in the room, and gets the messages of the others.
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import type { Relay } from "./relay.ts";
import { SocketPeer } from "./socket-peer.ts";

/** The relay itself, about as short as it usually is. */
function serveMinimalRelay(port: number) {
  const rooms = new Map<string, Set<WebSocket>>();
  const server = createServer();
  new WebSocketServer({ server }).on("connection", (socket, request) => {
    const name = new URL(request.url ?? "/", "http://relay").pathname;
    const members = rooms.get(name) ?? new Set();
    rooms.set(name, members.add(socket));
    socket.on("message", (data, binary) => {
      for (const member of members) if (member !== socket) member.send(data, { binary });
    });
    socket.on("close", () => members.delete(socket));
  });
  return server.listen(port, "127.0.0.1");
}

/** Starts one. It has no credentials, and nothing to revoke. */
export async function startMinimalRelay(): Promise<Relay> {
  const server = serveMinimalRelay(0);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const peers: SocketPeer[] = [];
  let rooms = 0;
  return {
    createRoom: async () => `room-${rooms++}`,
    credential: async ({ room, can }) => `${room}-${can.join("-")}`,
    async join(room, _role, token, inUrl = false) {
      const headers: Record<string, string> = token === undefined || inUrl ? {} : { authorization: `Bearer ${token}` };
      const peer = await SocketPeer.open(
        `ws://127.0.0.1:${port}/${room}?${inUrl ? `token=${token}` : ""}`,
        [],
        headers,
      );
      if (peer !== undefined) peers.push(peer);
      return peer;
    },
    revoke: async () => {},
    closeRoom: async () => {},
    async close() {
      for (const peer of peers) peer.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
