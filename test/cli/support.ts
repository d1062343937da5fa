// The command line as a child process.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { onTestFinished, vi } from "vitest";
import { until } from "../ingest-bridge/support/until.ts";

const ENTRY = fileURLToPath(new URL("../../cli/roomcast.ts", import.meta.url));

/** For processes that start while others do. */
export const DEADLINE_MS = 30_000;
vi.setConfig({ testTimeout: 2 * DEADLINE_MS });

/** A running command and its output. */
export interface Run {
  readonly child: ChildProcess;
  readonly stdout: Buffer;
  readonly stderr: string;
  /** The exit code, or the signal. */
  readonly exit: Promise<number | string>;
  /** Resolves once stderr has `text`. */
  says(text: string): Promise<void>;
}

/** Starts `roomcast`; `env` is all of its environment but PATH. Without `input` stdin stays open. */
export function roomcast(
  args: readonly string[],
  options: { env?: Record<string, string>; input?: string | Buffer; cwd?: string } = {},
): Run {
  const { env = {}, input, cwd } = options;
  const child = spawn(process.execPath, [ENTRY, ...args], {
    cwd,
    env: { PATH: process.env.PATH ?? "", NODE_NO_WARNINGS: "1", ...env },
    stdio: "pipe",
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => err.push(chunk));
  child.stdin.on("error", () => {});
  if (input !== undefined) child.stdin.end(input);
  return {
    child,
    get stdout() {
      return Buffer.concat(out);
    },
    get stderr() {
      return String(Buffer.concat(err));
    },
    exit: once(child, "close").then(([code, signal]) => code ?? signal),
    says: (text) => until(() => String(Buffer.concat(err)).includes(text), DEADLINE_MS),
  };
}

/** Runs `roomcast` to its end. */
export async function finished(...[args, options]: Parameters<typeof roomcast>) {
  const run = roomcast(args, { input: "", ...options });
  return { code: await run.exit, stdout: run.stdout.toString(), stderr: run.stderr };
}
