// The ingest bridge: bytes per second from TCP to a WebSocket sink, against a bare pipe; memory of idle producers.
import { once } from "node:events";
import net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { sparseClip, usualClip } from "./load/clip.ts";
import type { Emit } from "./report.ts";
import { median, round } from "./stats.ts";
import { cpuSeconds, Daemon, residentBytes } from "./targets/process.ts";

const MIB = 1024 * 1024;
const CHUNK_BYTES = 64 * 1024;
const PROGRAMS = fileURLToPath(new URL("load/ingest-programs.ts", import.meta.url));
const ROOMCAST = fileURLToPath(new URL("../dist/cli/roomcast.js", import.meta.url));
/** The options of the script `bridge`, the image and the unit. */
const HEAP = ["--max-semi-space-size=2", "--initial-old-space-size=64"];
/** Time to release what a new connection allocates only briefly. */
const SETTLE_MS = 1000;

/** One case; the bytes are those of all producers together. */
export interface BridgeCase {
  readonly producers: number;
  readonly bytes: number;
  readonly rounds: number;
}

/**
 * `bare-pipe` has only the package `ws`; `pipe` also has `bufferutil`, as the bridge has. All send the usual clip,
 * except `mpegts-sparse`, whose low bit rate makes frames small.
 */
const WAYS = ["bare-pipe", "pipe", "raw", "mpegts", "mpegts-sparse"] as const;
type Way = (typeof WAYS)[number];

type Clips = Readonly<Record<"usual" | "sparse", Uint8Array>>;

/** Measures the ways in turn, round by round, so that disturbances affect all of them. */
export async function bridge(one: BridgeCase, emit: Emit): Promise<void> {
  await using processes = await start();
  const clips = { usual: usualClip(), sparse: sparseClip() };
  const rates = none();
  const costs = none();
  for (let turn = -1; turn < one.rounds; turn++) {
    for (const way of WAYS) {
      const { port, pid } = isPipe(way) ? processes[way] : processes.bridge;
      const cpu = cpuSeconds(pid);
      const begun = performance.now();
      await Promise.all(Array.from({ length: one.producers }, (_, index) => send(port, way, index, one, clips)));
      // The first turn is a warm-up.
      if (turn < 0) continue;
      rates[way].push(one.bytes / MIB / ((performance.now() - begun) / 1000));
      costs[way].push(one.bytes / MIB / (cpuSeconds(pid) - cpu));
    }
  }
  const over = (way: Way, other: Way) =>
    round(median(rates[way].map((rate, turn) => rate / (rates[other][turn] ?? Number.NaN))));
  for (const way of WAYS) {
    emit({
      bench: "bridge",
      way,
      producers: one.producers,
      mib_per_s: round(median(rates[way])),
      mib_per_cpu_s: round(median(costs[way])),
      of_bare_pipe: over(way, "bare-pipe"),
      of_pipe: over(way, "pipe"),
      of_raw: over(way, "raw"),
      of_raw_by_cpu: round(median(costs[way]) / median(costs.raw)),
    });
  }
}

/** RSS of a bridge with this number of silent producers, per producer. */
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

function none(): Record<Way, number[]> {
  return { "bare-pipe": [], pipe: [], raw: [], mpegts: [], "mpegts-sparse": [] };
}

async function start() {
  const stack = new AsyncDisposableStack();
  const daemon = async (args: readonly string[], ready: RegExp, env?: NodeJS.ProcessEnv) => {
    const [process_, match] = await Daemon.start(process.execPath, args, ready, env);
    stack.use(process_);
    return { pid: process_.pid, port: Number(match[1]) };
  };
  try {
    const sink = await daemon([PROGRAMS, "sink"], /ready (\d+)/);
    const url = `http://127.0.0.1:${sink.port}`;
    const pipeArgs = [PROGRAMS, "pipe", url.replace("http", "ws")];
    const pipe = await daemon(pipeArgs, /ready (\d+)/);
    const barePipe = await daemon(pipeArgs, /ready (\d+)/, { WS_NO_BUFFER_UTIL: "1" });
    const flags = ["--listen", "tcp://127.0.0.1:0", "--status", "127.0.0.1:0", "--worker", url];
    const bridge = await daemon([...HEAP, ROOMCAST, "bridge", ...flags], /"listen":\["tcp:\/\/127\.0\.0\.1:(\d+)"/);
    return { pipe, "bare-pipe": barePipe, bridge, [Symbol.asyncDispose]: () => stack.disposeAsync() };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

function isPipe(way: Way): way is "pipe" | "bare-pipe" {
  return way === "pipe" || way === "bare-pipe";
}

async function connect(port: number, way: Way, index: number): Promise<net.Socket> {
  const socket = net.connect({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
  if (isPipe(way)) return socket;
  socket.write(`ROOMCAST/1 room=bench token=a.b.c track=t${index} framing=${way.split("-")[0]}\n`);
  const [answer] = (await once(socket, "data")) as [Buffer];
  if (!answer.toString().startsWith("OK ")) throw new Error(`the bridge said ${answer}`);
  return socket;
}

/** Sends its part. The other side closes when it has everything; then this resolves. */
async function send(port: number, way: Way, index: number, one: BridgeCase, clips: Clips): Promise<void> {
  const socket = await connect(port, way, index);
  socket.resume();
  const closed = once(socket, "close");
  const clip = way === "mpegts-sparse" ? clips.sparse : clips.usual;
  const most = Math.floor(clip.length / CHUNK_BYTES) * CHUNK_BYTES;
  for (let sent = 0; sent < one.bytes / one.producers; sent += CHUNK_BYTES) {
    const at = sent % most;
    if (!socket.write(clip.subarray(at, at + CHUNK_BYTES))) await once(socket, "drain");
  }
  socket.end();
  await closed;
}
