// A scripted room and a bridge in front of it, and their end after each test.
import { onTestFinished } from "vitest";
import { type Bridge, createLogger, readConfig, type Services, startBridge } from "../../../ingest-bridge/index.ts";
import { ScriptedRoom } from "./room.ts";

/** What `setup` started. */
export interface Setup {
  readonly room: ScriptedRoom;
  readonly bridge: Bridge;
  /** The port of the first listener. */
  readonly port: number;
  /** The log's lines. */
  readonly log: string[];
  /** The metrics of /metrics, by name and labels. */
  metrics(): Promise<Map<string, number>>;
}

/** Starts a room and a bridge on free ports; `flags`: the bridge's flags. */
export async function setup(flags: Record<string, unknown> = {}, given: Partial<Services> = {}): Promise<Setup> {
  const room = await ScriptedRoom.start();
  onTestFinished(() => room.stop());
  const defaults = { listen: ["tcp://127.0.0.1:0"], status: "127.0.0.1:0", worker: room.url };
  const env = given.env ?? {};
  const config = readConfig({ flags: { ...defaults, ...flags }, env, file: undefined });
  const log: string[] = [];
  const bridge = await startBridge(config, {
    log: createLogger("trace", { write: (line) => void log.push(line) }),
    env,
    lingerMs: 200,
    ...given,
  });
  onTestFinished(() => bridge.close());
  return {
    room,
    bridge,
    port: bridge.listeners[0]?.port ?? 0,
    log,
    metrics: async () => parseMetrics(await (await fetch(`http://127.0.0.1:${bridge.statusPort}/metrics`)).text()),
  };
}

function parseMetrics(text: string): Map<string, number> {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.split(" ").at(-1))]));
}
