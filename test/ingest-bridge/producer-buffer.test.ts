// The path of bytes from a socket into a publisher; only the publisher is simulated.
import { once } from "node:events";
import net from "node:net";
import { expect, test } from "vitest";
import type { Publisher } from "../../client/index.ts";
import { Budget } from "../../ingest-bridge/budget.ts";
import { Gatherer } from "../../ingest-bridge/gatherer.ts";
import { createMetrics } from "../../ingest-bridge/metrics.ts";
import { Intake } from "../../ingest-bridge/producer-buffer.ts";
import { Reader } from "../../ingest-bridge/socket-reader.ts";
import type { SplitFrame } from "../../protocol/splitter.ts";
import { createSplitter } from "../../protocol/splitters/index.ts";

test("T15 a large read of empty records asks for room before each piece of it", async () => {
  const server = net.createServer((socket) => socket.end(Buffer.alloc(200_000, "\n"))).listen(0, "127.0.0.1");
  await once(server, "listening");
  const socket = net.connect((server.address() as net.AddressInfo).port, "127.0.0.1");
  const { signal } = new AbortController();
  const reader = new Reader(socket, signal);
  const written: number[] = [];
  const write = async (frames: readonly SplitFrame[]) => void written.push(frames.length);
  const publisher = { write, setFormat: () => {} };
  const intake = new Intake({
    reader,
    gatherer: new Gatherer(reader, { ms: 0, bytes: 1 }),
    splitter: createSplitter("lines"),
    pieceBytes: 4096,
    tellsFormat: true,
    publisher: publisher as unknown as Publisher,
    account: new Budget(1).open(),
    metrics: createMetrics(() => 0),
    idleTimeout: 0,
    signal,
  });
  await intake.run(new Uint8Array(0));
  server.close();
  expect(written.reduce((sum, frames) => sum + frames, 0)).toBe(200_000);
  expect(Math.max(...written)).toBe(4096);
});
