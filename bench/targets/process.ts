// The processes of a run: started, measured from /proc, and never left behind.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { deferred } from "../../client/deferred.ts";

/** Ticks per second of /proc/PID/stat: USER_HZ is 100 on every Linux. */
const TICKS_PER_SECOND = 100;
const START_MS = 20_000;
const KEPT_OUTPUT_CHARS = 4000;

const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));

/** A process that is ready when it prints a line that `ready` matches. */
export class Daemon implements AsyncDisposable {
  readonly pid: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, pid: number) {
    this.#child = child;
    this.pid = pid;
  }

  /**
   * Resolves with the process and the match. It also reads the fourth channel (3), on which workerd reports its port.
   */
  static async start(
    program: string,
    args: readonly string[],
    ready: RegExp,
    env: NodeJS.ProcessEnv = {},
  ): Promise<[Daemon, RegExpExecArray]> {
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe", "pipe"], env: { ...process.env, ...env } });
    running.add(child);
    child.once("close", () => running.delete(child));
    const { promise, resolve, reject } = deferred<RegExpExecArray>();
    let said = "";
    const hear = (chunk: unknown): void => {
      said = (said + String(chunk)).slice(-KEPT_OUTPUT_CHARS);
      const match = ready.exec(said);
      if (match !== null) resolve(match);
    };
    for (const stream of [child.stdout, child.stderr, child.stdio[3]]) stream?.on("data", hear);
    child.once("error", reject);
    child.once("close", () => reject(new Error(`${program} ended: ${said}`)));
    const timer = setTimeout(() => reject(new Error(`${program} is not ready: ${said}`)), START_MS);
    try {
      const match = await promise;
      return [new Daemon(child, child.pid ?? 0), match];
    } catch (error) {
      child.kill("SIGKILL");
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const closed = once(this.#child, "close");
    this.#child.kill("SIGKILL");
    await closed;
  }
}

/** Resident memory of a process, bytes; 0 once it has ended. */
export function residentBytes(pid: number): number {
  const status = `/proc/${pid}/status`;
  if (!existsSync(status)) return 0;
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(status, "utf8"))?.[1] ?? 0) * 1024;
}

/** Processor time that a process has used, seconds. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // Behind the name, which may contain anything: utime and stime are fields 14 and 15 of the line.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}
