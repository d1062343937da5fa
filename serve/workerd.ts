// The runtime as a part of the server: its files, its command line, and its ports.
import { type ChildProcess, spawn } from "node:child_process";
import { copyFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Readable } from "node:stream";
import type { Logger } from "../ingest-bridge/index.ts";
import type { HostPort } from "./host-port.ts";
import { type Fields, relayLines } from "./log-lines.ts";
import { CONTROL_SOCKET, HTTP_SOCKET, MODULE } from "./workerd-config.ts";

/** The path of workerd. Throws if the package has none for this machine. */
export function workerdProgram(): string {
  const { default: path } = createRequire(import.meta.url)("workerd") as { default: string };
  return path;
}

/** Writes the configuration and the module into `folder`. */
export function writeWorkerdFiles(folder: string, config: string, module: string): void {
  copyFileSync(module, join(folder, MODULE));
  writeFileSync(join(folder, "config.capnp"), config, { mode: 0o600 });
}

export interface WorkerdRun {
  readonly program: string;
  readonly folder: string;
  readonly listen: HostPort;
  readonly controlPath: string;
  readonly env: NodeJS.ProcessEnv;
  readonly log: Logger;
  /** It listens on this port. */
  readonly onListen: (port: number) => void;
}

/** Starts it in a process group of its own, so that signals from a terminal do not reach it. */
export function spawnWorkerd({ program, folder, listen, controlPath, env, log, onListen }: WorkerdRun): ChildProcess {
  const addresses = { [HTTP_SOCKET]: listen, [CONTROL_SOCKET]: `unix:${controlPath}` };
  const child = spawn(
    program,
    [
      "serve",
      "--experimental",
      join(folder, "config.capnp"),
      ...Object.entries(addresses).map(([name, address]) => `--socket-addr=${name}=${address}`),
      "--control-fd=3",
    ],
    { detached: true, env, stdio: ["ignore", "pipe", "pipe", "pipe"] },
  );
  relayLines(child.stdout, log);
  relayLines(child.stderr, log);
  let port = 0;
  const waiting = new Set<unknown>([HTTP_SOCKET, CONTROL_SOCKET]);
  const hear = ({ event, socket, port: told }: Fields) => {
    if (event !== "listen") return;
    if (socket === HTTP_SOCKET) port = Number(told);
    if (waiting.delete(socket) && waiting.size === 0) onListen(port);
  };
  relayLines(child.stdio[3] as Readable, log.child({}, { level: "silent" }), hear);
  return child;
}
