// A TCP producer of the bridge that sends a whole stream, at the bridge's pace.
import { once } from "node:events";
import net from "node:net";
import { readReplies } from "../../cli/replies.ts";
import { DEFAULT_TRACK } from "../../protocol/names.ts";
import { formatPreamble, type Preamble } from "../../protocol/preamble.ts";

/** The producer's part of the preamble; the rest is default. */
export type Introduction = Pick<Preamble, "room" | "token"> & Partial<Preamble>;

/** Sends `source` after a preamble. Resolves with the number of bytes when the bridge has confirmed every byte. */
export async function produce(
  port: number,
  introduction: Introduction,
  source: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<number> {
  const socket = net.connect({ host: "127.0.0.1", port, noDelay: true, allowHalfOpen: true });
  try {
    const replies = readReplies(socket);
    socket.write(formatPreamble({ track: DEFAULT_TRACK, framing: undefined, ...introduction }));
    const accepted = await replies.next();
    if (!accepted.value?.startsWith("OK ")) throw new Error(`the bridge said ${accepted.value}`);
    let bytes = 0;
    for await (const chunk of source) {
      bytes += chunk.byteLength;
      if (!socket.write(chunk)) await once(socket, "drain");
    }
    socket.end();
    const confirmed = await replies.next();
    if (confirmed.value !== `END bytes=${bytes}`)
      throw new Error(`of ${bytes} bytes the bridge said ${confirmed.value}`);
    return bytes;
  } finally {
    socket.destroy();
  }
}
