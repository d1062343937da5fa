// The targets that Roomcast is compared with: each relays a publisher's messages unchanged to everybody else.
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { Daemon } from "./process.ts";
import type { Target } from "./target.ts";
import { startWorkerd } from "./workerd.ts";

const PARTYSERVER = fileURLToPath(new URL("../node_modules/partyserver", import.meta.url));

/** (a) A minimal object that loops over `getWebSockets()`. */
export async function startLoop(): Promise<Target> {
  const script = await readFile(objectFile("loop.js"), "utf8");
  return peer("loop", await startWorkerd({ script, objects: { ROOM: "Loop" } }), "/");
}

/** (b) PartyServer with hibernation. */
export async function startPartyServer(): Promise<Target> {
  if (!existsSync(PARTYSERVER)) throw new Error("PartyServer is not installed: npm ci --prefix bench");
  const bundle = await build({
    entryPoints: [objectFile("party.js")],
    bundle: true,
    write: false,
    external: ["cloudflare:*"],
    conditions: ["workerd", "worker", "browser"],
    format: "esm",
    target: "es2024",
    logLevel: "warning",
  });
  const script = bundle.outputFiles[0]?.text ?? "";
  return peer("partyserver", await startWorkerd({ script, objects: { ROOM: "Party" } }), "/parties/room/bench");
}

/** (c) A Node process with the package `ws`. */
export async function startRelay(): Promise<Target> {
  const [daemon, match] = await Daemon.start(process.execPath, [objectFile("relay.js")], /^port (\d+)/m);
  const dispose = () => daemon[Symbol.asyncDispose]();
  return peer("relay", { pid: daemon.pid, port: Number(match[1]), [Symbol.asyncDispose]: dispose }, "/");
}

function peer(name: string, process: AsyncDisposable & { pid: number; port: number }, path: string): Target {
  const handshake = { port: process.port, path, headers: {} };
  return {
    name,
    pid: process.pid,
    publisher: handshake,
    subscriber: handshake,
    isRoomcast: false,
    headerBytes: 0,
    pings: false,
    [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
  };
}

function objectFile(name: string): string {
  return fileURLToPath(new URL(`objects/${name}`, import.meta.url));
}
