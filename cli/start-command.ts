// `roomcast start`: everything on one machine: the Worker, the bridge, a room with a sample, and a room of your own.
import { accessSync, constants, mkdirSync } from "node:fs";
import { hostname } from "node:os";
import { Command, InvalidArgumentError, Option } from "commander";
import { createLogger, readConfig, startBridge } from "../ingest-bridge/index.ts";
import type { Right } from "../protocol/claims.ts";
import { DEFAULT_TRACK } from "../protocol/names.ts";
import { mintToken } from "../protocol/token.ts";
import { Failure } from "./failure.ts";
import { freePort } from "./free-port.ts";
import { localSecrets } from "./local-secrets.ts";
import { startRuntime } from "./runtime.ts";
import { streamSample } from "./sample.ts";

/** The options of `roomcast start`. */
export interface StartOptions {
  readonly host: string;
  readonly port: number;
  readonly ingestPort: number;
  readonly statusPort: number;
  readonly sample: boolean;
  readonly state?: string;
}

/** The room of the sample. */
const SAMPLE_ROOM = "demo";
/** A room for the user's own source, because a track has only one publisher. */
const OWN_ROOM = "studio";
const TOKEN_TTL_SECONDS = 7 * 24 * 3600;
const DRAIN_MS = 3000;
const PARENT_LOOK_MS = 500;

/** The command, for the program. */
export function startCommand(): Command {
  const port = (flags: string, help: string, initial: number) =>
    new Option(flags, help).argParser(parsePort).default(initial);
  return new Command("start")
    .description("Run the rooms, the bridge and a sample source on this machine.")
    .option("--host <address>", "listen on this address; 0.0.0.0: other machines can connect", "127.0.0.1")
    .addOption(port("--port <port>", "port of the rooms and the pages", 8787))
    .addOption(port("--ingest-port <port>", "port for producers", 9000))
    .addOption(port("--status-port <port>", "port for health and metrics of the bridge", 9100))
    .option("--no-sample", "do not start the sample source")
    .option("--state <dir>", "keep the rooms' storage in this folder", ".roomcast")
    .action(start);
}

/** Starts everything, prints the addresses, and resolves when it was stopped and everything is closed. */
export async function start(options: StartOptions): Promise<void> {
  const stopped = toldToStop();
  if (options.state !== undefined) prepareFolder(options.state);
  const secrets = readSecrets();
  // The page shows the bridge's port, and the bridge needs the page's port before it listens.
  const ingestPort = options.ingestPort || (await freePort());
  const ingest = `${reachableHost(options.host)}:${ingestPort}`;
  // Local webhooks may go to this machine.
  const vars = { INGEST_URL: `tcp://${ingest}`, WEBHOOK_LOCAL: "on", ...secrets };
  const { host, port, state } = options;
  const runtime = await startRuntime({ host, port, state, vars, events: true }).catch(cannotStart);
  const stop = new AbortController();
  let bridge: Awaited<ReturnType<typeof startBridge>> | undefined;
  try {
    bridge = await startBridge(bridgeConfig(options, ingestPort, runtime.url), { log: createLogger("warn") });
    const url = `http://${reachableHost(host)}:${new URL(runtime.url).port}`;
    const rooms = options.sample ? [SAMPLE_ROOM, OWN_ROOM] : [OWN_ROOM];
    for (const room of rooms) await createRoom(runtime.url, room, secrets.OPERATOR_KEY ?? "");
    if (options.sample) {
      const token = await mint(SAMPLE_ROOM, "publish", secrets);
      void streamSample(ingestPort, { room: SAMPLE_ROOM, token, track: DEFAULT_TRACK, framing: "mpegts" }, stop.signal);
    }
    await printLinks(url, ingest, rooms, secrets);
    await stopped;
    stop.abort();
    await bridge.drain(DRAIN_MS);
  } finally {
    stop.abort();
    await bridge?.close();
    await runtime.close();
  }
}

/**
 * Resolves at Ctrl-C and SIGTERM, and when the npm process that started this has ended: npm passes no signal on to a
 * process behind a shell. A second signal ends the process at once.
 */
function toldToStop(): Promise<void> {
  return new Promise((resolve) => {
    let isTold = false;
    // Not `once`: without another listener, one of wrangler's packages ends the process at the signal.
    const stop = () => {
      if (isTold) process.exit(1);
      isTold = true;
      resolve();
    };
    process.on("SIGTERM", stop).on("SIGINT", stop);
    if (process.env.npm_lifecycle_event === undefined) return;
    const parent = process.ppid;
    const timer = setInterval(() => {
      if (process.ppid === parent) return;
      clearInterval(timer);
      resolve();
    }, PARENT_LOOK_MS);
    timer.unref();
  });
}

/** For a folder that is not writable, the runtime would report that it does not exist. */
function prepareFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.W_OK);
  } catch (cause) {
    throw new Failure(`cannot write to --state ${folder}: ${messageOf(cause)}`, 1, { cause });
  }
}

function readSecrets(): Record<string, string> {
  try {
    return localSecrets(process.cwd());
  } catch (cause) {
    throw new Failure(`cannot keep the secrets in .dev.vars: ${messageOf(cause)}`, 1, { cause });
  }
}

function bridgeConfig({ host, statusPort }: StartOptions, ingestPort: number, worker: string) {
  const flags = { listen: `tcp://${inUrl(host)}:${ingestPort}`, status: `127.0.0.1:${statusPort}`, worker };
  return readConfig({ flags, env: {}, file: undefined });
}

/** The room may exist from an earlier run. */
async function createRoom(url: string, room: string, operatorKey: string): Promise<void> {
  const response = await fetch(`${url}/api/rooms`, {
    method: "POST",
    headers: { authorization: `Bearer ${operatorKey}` },
    body: JSON.stringify({ id: room }),
  });
  if (response.status === 201 || response.status === 409) return;
  throw new Failure(`the room could not be created: ${await response.text()}`);
}

function mint(room: string, right: Right, secrets: Record<string, string>): Promise<string> {
  const iat = Math.floor(Date.now() / 1000);
  const claims = { room, can: [right], jti: crypto.randomUUID(), iat, exp: iat + TOKEN_TTL_SECONDS };
  return mintToken(claims, secrets.TOKEN_SECRET ?? "");
}

/** Every printed command works as it is. */
async function printLinks(
  url: string,
  ingest: string,
  rooms: readonly string[],
  secrets: Record<string, string>,
): Promise<void> {
  const links = rooms.map(async (room) => {
    const label = room === SAMPLE_ROOM ? "Watch the sample:" : "Watch your room: ";
    return `  ${label}  ${url}/rooms/${room}#token=${await mint(room, "subscribe", secrets)}`;
  });
  const send = `npx roomcast send ${OWN_ROOM} --ingest ${ingest}`;
  const lines = [
    "",
    ...(await Promise.all(links)),
    `  Send into it:      export ROOMCAST_TOKEN=${await mint(OWN_ROOM, "publish", secrets)}`,
    `                     date | ${send} --framing lines`,
    `                     ffmpeg -f lavfi -re -i testsrc2 -c:v libx264 -pix_fmt yuv420p -g 30 -f mpegts - | ${send} --framing mpegts`,
    `  Create a room:     ${url}/`,
    `  See all rooms:     ${url}/console   (key: OPERATOR_KEY in .dev.vars)`,
    "",
    "  Ctrl-C stops everything.",
    "",
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
}

/** The name of this machine for other machines if it listens on `host`. */
function reachableHost(host: string): string {
  return inUrl(["0.0.0.0", "::"].includes(host) ? hostname() : host);
}

function inUrl(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port < 65_536) return port;
  throw new InvalidArgumentError("is not a port");
}

function cannotStart(cause: unknown): never {
  if (cause instanceof Failure) throw cause;
  throw new Failure(`the Worker did not start: ${messageOf(cause)}`, 1, { cause });
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
