// Target `loop`: the least that a room can be on this platform, and so the limit of the design.
import { DurableObject } from "cloudflare:workers";

export class Loop extends DurableObject {
  fetch() {
    const { 0: client, 1: server } = new WebSocketPair();
    this.ctx.acceptWebSocket(server);
    return new Response(null, { status: 101, webSocket: client });
  }

  webSocketMessage(from, message) {
    for (const ws of this.ctx.getWebSockets()) if (ws !== from) ws.send(message);
  }
}

export default { fetch: (request, env) => env.ROOM.getByName("bench").fetch(request) };
