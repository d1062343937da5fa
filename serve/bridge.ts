// The ingest bridge as a part of the server.
import { type ChildProcess, spawn } from "node:child_process";
import { type Logger, variableOf } from "../ingest-bridge/index.ts";
import { CLUSTER_VARIABLES } from "./cluster.ts";
import { relayLines } from "./log-lines.ts";
import { SECRETS } from "./secrets.ts";
import { SERVE_SETTINGS } from "./settings.ts";

/** The heap: see "Sizing" in ingest-bridge/README.md. */
const NODE_OPTIONS = ["--max-semi-space-size=2", "--initial-old-space-size=64"];

export interface BridgeRun {
  /** The file of the command. */
  readonly command: string;
  readonly listen: readonly string[];
  readonly worker: string;
  readonly logLevel: string;
  readonly drainSeconds: number;
  readonly env: NodeJS.ProcessEnv;
  readonly log: Logger;
  /** The bridge listens on these URLs, and its status port is `statusPort`. */
  readonly onListen: (listen: readonly string[], statusPort: number) => void;
}

/** Starts it. Its other settings come from variables, as for `roomcast bridge`. */
export function spawnBridge(run: BridgeRun): ChildProcess {
  const { command, listen, worker, logLevel, drainSeconds, env, log, onListen } = run;
  const args = [
    ...listen.flatMap((url) => ["--listen", url]),
    ...[
      "--worker",
      worker,
      "--status",
      "127.0.0.1:0",
      "--drain-timeout",
      String(drainSeconds),
      "--log-level",
      logLevel,
    ],
  ];
  // The bridge gets neither the server's own settings nor any of its secrets.
  const settings = ["config", ...SERVE_SETTINGS.map(({ name }) => name)].map(variableOf);
  const withheld: readonly string[] = [...settings, ...SECRETS, ...CLUSTER_VARIABLES];
  const kept = Object.entries(env).filter(([name]) => !withheld.includes(name));
  const child = spawn(process.execPath, [...NODE_OPTIONS, command, "bridge", ...args], {
    detached: true,
    env: Object.fromEntries(kept),
    stdio: ["ignore", "ignore", "pipe"],
  });
  relayLines(child.stderr, log, ({ listen: urls, statusPort }) => {
    if (Array.isArray(urls) && typeof statusPort === "number") onListen(urls.map(String), statusPort);
  });
  return child;
}
