// Sends stdin to a room: ROOMCAST_TOKEN=... node send.mjs HOST PORT ROOM [FRAMING]
import net from "node:net";
import { createInterface } from "node:readline";
import { pipeline } from "node:stream/promises";

const [host, port, room, framing = "raw"] = process.argv.slice(2);
// Half-open: the answer comes after the end of the stream.
const bridge = net.connect({ host, port: Number(port), allowHalfOpen: true });
const replies = createInterface(bridge)[Symbol.asyncIterator]();
bridge.write(`ROOMCAST/1 room=${room} token=${process.env.ROOMCAST_TOKEN} framing=${framing}\n`);
let { value: reply } = await replies.next();
if (reply?.startsWith("OK ")) {
  await pipeline(process.stdin, bridge);
  ({ value: reply } = await replies.next());
}
if (!reply?.startsWith("END ")) {
  console.error(reply ?? "the bridge hung up");
  process.exitCode = 1;
}
bridge.destroy();
