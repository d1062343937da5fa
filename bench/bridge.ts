// The ingest bridge: bytes per second from TCP to a WebSocket sink, against a bare pipe; memory of idle producers.
import { once } from "node:events";
import { readFileSync } from "node:fs";
import net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Emit } from "./report.ts";
import { median, round } from "./stats.ts";
import { cpuSeconds, Daemon, residentBytes } from "./targets/process.ts";

const MIB = 1024 * 1024;
const CHUNK_BYTES = 64 * 1024;
const PROGRAMS = fileURLToPath(new URL("load/ingest-programs.ts", import.meta.url));
const ROOMCAST = fileURLToPath(new URL("../dist/cli/roomcast.js", import.meta.url));
const CLIP = readFileSync(new URL("../sample/clock.mpegts", import.meta.url));
/** For what a new connection allocates and soon gives back. */
const SETTLE_MS = 1000;

/** One case; the bytes are those of all producers together. */
export interface BridgeCase {
  readonly producers: number;
  readonly bytes: number;
  readonly rounds: number;
}

type Way = "pipe" | "raw" | "mpegts";
const WAYS: readonly Way[] = ["pipe", "raw", "mpegts"];

/** Measures the ways in turn, round by round: what disturbs one disturbs all. */
export async function bridge(one: BridgeCase, emit: Emit): Promise<void> {
  await using processes = await start();
  const rates: Record<Way, number[]> = { pipe: [], raw: [], mpegts: [] };
  const costs: Record<Way, number[]> = { pipe: [], raw: [], mpegts: [] };
  for (let turn = -1; turn < one.rounds; turn++) {
    for (const way of WAYS) {
      const { port, pid } = way === "pipe" ? processes.pipe : processes.bridge;
      const cpu = cpuSeconds(pid);
      const begun = performance.now();
      await Promise.all(Array.from({ length: one.producers }, (_, index) => send(port, way, index, one)));
      // The first turn only warms up.
      if (turn < 0) continue;
      rates[way].push(one.bytes / MIB / ((performance.now() - begun) / 1000));
      costs[way].push(one.bytes / MIB / (cpuSeconds(pid) - cpu));
    }
  }
  for (const way of WAYS) {
    const ratios = rates[way].map((rate, turn) => rate / (rates.pipe[turn] ?? Number.NaN));
    emit({
      bench: "bridge",
      way,
      producers: one.producers,
      mib_per_s: round(median(rates[way])),
      mib_per_cpu_s: round(median(costs[way])),
      of_pipe: round(median(ratios)),
      of_pipe_by_cpu: round(median(costs[way]) / median(costs.pipe)),
    });
  }
}

/** RSS of a bridge with so many producers that say nothing, per producer. */
export async function bridgeIdle(producers: number, emit: Emit): Promise<void> {
  await using processes = await start();
  const { pid, port } = processes.bridge;
  const before = residentBytes(pid);
  const sockets = await Promise.all(Array.from({ length: producers }, (_, index) => connect(port, "raw", index)));
  await sleep(SETTLE_MS);
  const kib = (residentBytes(pid) - before) / producers / 1024;
  emit({ bench: "bridge-idle", producers, rss_before_mib: round(before / MIB), rss_kib_per_producer: round(kib) });
  for (const socket of sockets) socket.destroy();
}

async function start() {
  const stack = new AsyncDisposableStack();
  const daemon = async (args: readonly string[], ready: RegExp) => {
    const [process_, match] = await Daemon.start(process.execPath, args, ready);
    stack.use(process_);
    return { pid: process_.pid, port: Number(match[1]) };
  };
  try {
    const sink = await daemon([PROGRAMS, "sink"], /ready (\d+)/);
    const url = `http://127.0.0.1:${sink.port}`;
    const pipe = await daemon([PROGRAMS, "pipe", url.replace("http", "ws")], /ready (\d+)/);
    const flags = ["--listen", "tcp://127.0.0.1:0", "--status", "127.0.0.1:0", "--worker", url];
    const bridge = await daemon([ROOMCAST, "bridge", ...flags], /"listen":\["tcp:\/\/127\.0\.0\.1:(\d+)"/);
    return { pipe, bridge, [Symbol.asyncDispose]: () => stack.disposeAsync() };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

async function connect(port: number, way: Way, index: number): Promise<net.Socket> {
  const socket = net.connect({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
  if (way === "pipe") return socket;
  socket.write(`ROOMCAST/1 room=bench token=a.b.c track=t${index} framing=${way}\n`);
  const [answer] = (await once(socket, "data")) as [Buffer];
  if (!answer.toString().startsWith("OK ")) throw new Error(`the bridge said ${answer}`);
  return socket;
}

/** Sends its part; resolves when the other side has it: it closes. */
async function send(port: number, way: Way, index: number, { bytes, producers }: BridgeCase): Promise<void> {
  const socket = await connect(port, way, index);
  socket.resume();
  const closed = once(socket, "close");
  const most = Math.floor(CLIP.length / CHUNK_BYTES) * CHUNK_BYTES;
  for (let sent = 0; sent < bytes / producers; sent += CHUNK_BYTES) {
    const at = sent % most;
    if (!socket.write(CLIP.subarray(at, at + CHUNK_BYTES))) await once(socket, "drain");
  }
  socket.end();
  await closed;
}
