// The sample source: an endless clock, sent to the bridge over TCP in real time, like any producer's stream.
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import net from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { formatPreamble, type Preamble } from "../protocol/preamble.ts";
import { TransportLoop } from "./loop.ts";
import { packageRoot } from "./package-root.ts";

/** The duration of sample/clock.mpegts. */
const SECONDS = 18;
const STEP_MS = 40;
const RETRY_MS = 1000;

/** Streams the sample to a bridge until `signal` aborts; reconnects when the connection is lost. */
export async function streamSample(port: number, preamble: Preamble, signal: AbortSignal): Promise<void> {
  const loop = new TransportLoop(await readFile(join(packageRoot(), "sample/clock.mpegts")), SECONDS);
  while (!signal.aborted) {
    const socket = net.connect({ host: "127.0.0.1", port, noDelay: true });
    socket.on("error", () => socket.destroy());
    socket.resume();
    const stop = () => socket.destroy();
    signal.addEventListener("abort", stop);
    socket.write(formatPreamble(preamble));
    await play(loop, socket);
    signal.removeEventListener("abort", stop);
    await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
  }
}

async function play(loop: TransportLoop, socket: net.Socket): Promise<void> {
  const startedAt = Date.now();
  for (let round = 0; ; round++) {
    const bytes = loop.next();
    for (let sent = 0; sent < bytes.byteLength; ) {
      if (socket.destroyed) return;
      const due = Math.ceil(((Date.now() - startedAt) / 1000 - round * SECONDS) * (bytes.byteLength / SECONDS));
      const end = Math.min(due, bytes.byteLength);
      if (end > sent && !socket.write(bytes.subarray(sent, end)))
        await Promise.race([once(socket, "drain"), closed(socket)]);
      sent = Math.max(sent, end);
      await sleep(STEP_MS);
    }
  }
}

function closed(socket: net.Socket): Promise<unknown> {
  return once(socket, "close");
}
