// Target `relay`: a Node process with the package `ws`, looping over its clients. Prints its port.
import { WebSocket, WebSocketServer } from "ws";

const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false });
server.on("connection", (from) => {
  from.on("error", () => {});
  from.on("message", (data, binary) => {
    for (const client of server.clients) {
      if (client !== from && client.readyState === WebSocket.OPEN) client.send(data, { binary });
    }
  });
});
server.on("listening", () => console.log(`port ${server.address().port}`));
