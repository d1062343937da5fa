// Child processes of a test: started, watched, and never left behind.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { waitFor, within } from "./wait.ts";

const ROOMCAST = fileURLToPath(new URL("../../cli/roomcast.ts", import.meta.url));

/** For people: ROOMCAST_LOGS=1 shows what the processes of a test log. */
export const SHOWS_LOGS = process.env.ROOMCAST_LOGS === "1";

/** The options of a process; `env` overrides the environment of the tests. */
export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Starts it as the leader of a process group, like a terminal. */
  readonly detached?: boolean;
}

/** A running process, with all of its output. Disposing it kills it, and its descendants. */
export class Process implements AsyncDisposable {
  readonly child: ChildProcess;
  /** The exit code, or the signal. */
  readonly exit: Promise<number | string>;
  readonly #out: Buffer[] = [];
  readonly #err: Buffer[] = [];

  private constructor(child: ChildProcess) {
    this.child = child;
    this.exit = once(child, "close").then(([code, signal]) => code ?? signal);
    child.stdin?.on("error", () => {});
    child.stdout?.on("data", (chunk: Buffer) => this.#out.push(chunk));
    child.stderr?.on("data", (chunk: Buffer) => this.#err.push(chunk));
    if (SHOWS_LOGS) child.stderr?.pipe(process.stderr, { end: false });
  }

  static start(program: string, args: readonly string[], { env, cwd, detached }: StartOptions = {}): Process {
    return new Process(spawn(program, args, { cwd, detached, env: { ...process.env, ...env }, stdio: "pipe" }));
  }

  /** The project's command line, from its sources. */
  static roomcast(args: readonly string[], options?: StartOptions): Process {
    return Process.start(process.execPath, [ROOMCAST, ...args], options);
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error("the process did not start");
    return this.child.pid;
  }

  get stdout(): string {
    return String(Buffer.concat(this.#out));
  }

  get stderr(): string {
    return String(Buffer.concat(this.#err));
  }

  /** The first match of `pattern` in its output, once there is one. */
  says(pattern: RegExp, ms = 60_000): Promise<RegExpExecArray> {
    const probe = () => {
      const match = pattern.exec(this.stdout + this.stderr);
      if (match === null && this.child.exitCode !== null) throw new Error(`it ended: ${this.stdout}${this.stderr}`);
      return match;
    };
    return waitFor(`${pattern}`, probe, ms);
  }

  /** Passes `source` to its stdin. */
  reads(source: Readable | null): void {
    if (this.child.stdin !== null) source?.pipe(this.child.stdin);
  }

  /** Waits for its end. Throws its output unless the exit code is 0. Returns its stdout. */
  async succeeds(ms = 60_000): Promise<string> {
    const code = await within(this.child.spawnargs.join(" "), this.exit, ms);
    if (code !== 0) throw new Error(`${this.child.spawnargs.join(" ")}: ${code}\n${this.stderr}`);
    return this.stdout;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      for (const pid of descendantsOf(this.pid)) kill(pid);
      this.child.kill("SIGKILL");
    }
    await this.exit;
  }
}

/** The descendants of `pid`. */
export function descendantsOf(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc")) {
    if (/^\d+$/.test(name)) parents.set(Number(name), parentOf(Number(name)) ?? 0);
  }
  const found = [pid];
  for (const ancestor of found) {
    for (const [child, parent] of parents) if (parent === ancestor) found.push(child);
  }
  return found.slice(1);
}

/** The processes of the runtime that this process has started, without the shells that guard them. */
export function workerds(): number[] {
  return descendantsOf(process.pid).filter((pid) => commandOf(pid)[0]?.endsWith("/workerd"));
}

/** The program and its arguments; empty: the process has ended. */
export function commandOf(pid: number): string[] {
  return fileOf(pid, "cmdline")?.split("\0") ?? [];
}

/** Returns true if the process exists. A zombie does not count. */
export function isRunning(pid: number): boolean {
  const status = statusOf(pid);
  return status !== undefined && !/^State:\s+[ZX]/m.test(status);
}

/** A figure of /proc/PID/status in bytes, such as VmRSS and VmHWM. */
export function memoryOf(pid: number, figure: "VmRSS" | "VmHWM"): number {
  const kilobytes = new RegExp(`^${figure}:\\s+(\\d+) kB`, "m").exec(statusOf(pid) ?? "")?.[1];
  if (kilobytes === undefined) throw new Error(`no ${figure} of process ${pid}`);
  return Number(kilobytes) * 1024;
}

function parentOf(pid: number): number | undefined {
  const parent = /^PPid:\s+(\d+)/m.exec(statusOf(pid) ?? "")?.[1];
  return parent === undefined ? undefined : Number(parent);
}

function statusOf(pid: number): string | undefined {
  return fileOf(pid, "status");
}

/** undefined: the process has ended. */
function fileOf(pid: number, name: "cmdline" | "status"): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "utf8");
  } catch {
    return undefined;
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended meanwhile.
  }
}
