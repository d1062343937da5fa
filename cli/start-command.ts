// `roomcast start`: everything on one machine: the Worker, the bridge, and a sample source in room `demo`.
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
  readonly port: number;
  readonly ingestPort: number;
  readonly statusPort: number;
  readonly sample: boolean;
  readonly state?: string;
}

const ROOM = "demo";
const TOKEN_TTL_SECONDS = 7 * 24 * 3600;
const DRAIN_MS = 3000;

/** The command, for the program. */
export function startCommand(): Command {
  const port = (flags: string, help: string, initial: number) =>
    new Option(flags, help).argParser(parsePort).default(initial);
  return new Command("start")
    .description("Run the rooms, the bridge and a sample source on this machine.")
    .addOption(port("--port <port>", "port of the rooms and the pages", 8787))
    .addOption(port("--ingest-port <port>", "port for producers", 9000))
    .addOption(port("--status-port <port>", "port for health and metrics of the bridge", 9100))
    .option("--no-sample", "without the sample source")
    .option("--state <dir>", "keep the rooms' storage in this folder", ".roomcast")
    .action(start);
}

/** Starts everything, prints where it is, and resolves when it was told to stop and everything is closed. */
export async function start(options: StartOptions): Promise<void> {
  // Not `once`: where no other listener is left, a package of wrangler's ends the process with the signal.
  const stopped = new Promise<void>((stop) => process.on("SIGTERM", () => stop()).on("SIGINT", () => stop()));
  const secrets = localSecrets(process.cwd());
  // The page tells the port, and the bridge has to know the page's before it listens.
  const ingestPort = options.ingestPort || (await freePort());
  const vars = { ...secrets, INGEST_URL: `tcp://127.0.0.1:${ingestPort}` };
  const runtime = await startRuntime({ port: options.port, state: options.state, vars }).catch(cannotStart);
  const stop = new AbortController();
  let bridge: Awaited<ReturnType<typeof startBridge>> | undefined;
  try {
    bridge = await startBridge(bridgeConfig(options, ingestPort, runtime.url), { log: createLogger("warn") });
    await createRoom(runtime.url, secrets.OPERATOR_KEY ?? "");
    const [watch, publish] = await Promise.all(["subscribe", "publish"].map((right) => mint(right as Right, secrets)));
    if (options.sample) void streamSample(ingestPort, preambleWith(publish ?? ""), stop.signal);
    printLinks(runtime.url, ingestPort, watch ?? "", publish ?? "", options.sample);
    await stopped;
    stop.abort();
    await bridge.drain(DRAIN_MS);
  } finally {
    stop.abort();
    await bridge?.close();
    await runtime.close();
  }
}

function bridgeConfig({ statusPort }: StartOptions, ingestPort: number, worker: string) {
  const flags = { listen: `tcp://127.0.0.1:${ingestPort}`, status: `127.0.0.1:${statusPort}`, worker };
  return readConfig({ flags, env: {}, file: undefined });
}

/** The room may be there from an earlier run. */
async function createRoom(url: string, operatorKey: string): Promise<void> {
  const response = await fetch(`${url}/api/rooms`, {
    method: "POST",
    headers: { authorization: `Bearer ${operatorKey}` },
    body: JSON.stringify({ id: ROOM }),
  });
  if (response.status === 201 || response.status === 409) return;
  throw new Failure(`the room could not be created: ${await response.text()}`);
}

function mint(right: Right, secrets: Record<string, string>): Promise<string> {
  const iat = Math.floor(Date.now() / 1000);
  const claims = { room: ROOM, can: [right], jti: crypto.randomUUID(), iat, exp: iat + TOKEN_TTL_SECONDS };
  return mintToken(claims, secrets.TOKEN_SECRET ?? "");
}

function preambleWith(token: string) {
  return { room: ROOM, token, track: DEFAULT_TRACK, framing: "mpegts" } as const;
}

function printLinks(url: string, ingestPort: number, watch: string, publish: string, sample: boolean): void {
  const lines = [
    "",
    `  Watch room ${ROOM}:   ${url}/rooms/${ROOM}#token=${watch}`,
    `  Create a room:     ${url}/`,
    `  Send into ${ROOM}:    ROOMCAST_TOKEN=${publish} npx roomcast send ${ROOM} --ingest 127.0.0.1:${ingestPort} --framing auto`,
    "",
    sample ? "  A sample is playing there." : "  No sample is playing: send something.",
    "  Ctrl-C stops everything.",
    "",
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
}

function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port < 65_536) return port;
  throw new InvalidArgumentError("is no port");
}

function cannotStart(cause: unknown): never {
  if (cause instanceof Failure) throw cause;
  throw new Failure(`the Worker did not start: ${cause instanceof Error ? cause.message : cause}`, 1, { cause });
}
