// One process of the server: started, watched, restarted when it ends, and ended at last.
import type { ChildProcess } from "node:child_process";
import { failuresAfter, retryDelay } from "../client/backoff.ts";
import { deferred } from "../client/deferred.ts";
import type { Logger } from "../ingest-bridge/index.ts";

/** A process that takes longer to be ready is ended: it may work the next time. */
const START_MS = 30_000;
/** The least time before a restart. */
const RESTART_MS = 100;

/** How a process of the server is started. */
export interface PartOptions {
  readonly name: string;
  readonly log: Logger;
  /** Starts the process; it calls `ready` when it works. */
  readonly spawn: (ready: () => void) => ChildProcess;
  /** Gets the id of each process that is started. */
  readonly onSpawn: (pid: number | undefined) => void;
  /** True: it is also restarted if it was never ready. False: `start` rejects. */
  readonly isPatient: boolean;
}

type State =
  | { readonly is: "starting"; readonly child: ChildProcess; readonly slow: NodeJS.Timeout }
  | { readonly is: "up"; readonly child: ChildProcess; readonly since: number }
  | { readonly is: "waiting"; readonly timer: NodeJS.Timeout }
  | { readonly is: "stopped" };

/** One process at a time, under supervision. */
export class Part {
  readonly #options: PartOptions;
  readonly #first = deferred<void>();
  #state: State = { is: "stopped" };
  #failures = 0;
  #starts = 0;
  #wasUp = false;
  #ended: Promise<void> = Promise.resolve();
  #isStopping = false;

  constructor(options: PartOptions) {
    this.#options = options;
  }

  /** The number of restarts. */
  get restarts(): number {
    return Math.max(0, this.#starts - 1);
  }

  get isUp(): boolean {
    return this.#state.is === "up";
  }

  /** Resolves when it works for the first time. */
  start(): Promise<void> {
    if (this.#isStopping) return Promise.reject(new Error(`${this.#options.name} was stopped`));
    this.#spawn();
    return this.#first.promise;
  }

  /** Sends SIGTERM, and SIGKILL after `graceMs`. Resolves when it has ended; it is not restarted. */
  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true;
    if (this.#state.is === "waiting") clearTimeout(this.#state.timer);
    if (this.#state.is === "waiting" || this.#state.is === "stopped") return;
    const { child } = this.#state;
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), Math.max(0, graceMs));
    await this.#ended;
    clearTimeout(timer);
  }

  signal(signal: NodeJS.Signals): void {
    if ("child" in this.#state) this.#state.child.kill(signal);
  }

  #spawn(): void {
    const { log, name } = this.#options;
    this.#starts++;
    const child = this.#options.spawn(() => this.#ready(child));
    this.#options.onSpawn(child.pid);
    this.#state = { is: "starting", child, slow: setTimeout(() => child.kill("SIGKILL"), START_MS) };
    this.#ended = new Promise((resolve) => {
      const end = (why: unknown) => {
        if (!this.#isStopping) log.error({ part: name, why }, "ended unexpectedly");
        this.#end();
        resolve();
      };
      child.once("error", ({ message }) => child.pid === undefined && end(message));
      child.once("close", (code, signal) => end(code ?? signal));
    });
  }

  #ready(child: ChildProcess): void {
    if (this.#state.is !== "starting" || this.#state.child !== child) return;
    clearTimeout(this.#state.slow);
    this.#state = { is: "up", child, since: performance.now() };
    this.#wasUp = true;
    this.#first.resolve();
    this.#options.log.info({ part: this.#options.name, pid: child.pid, restarts: this.restarts }, "up");
  }

  #end(): void {
    const uptime = this.#state.is === "up" ? performance.now() - this.#state.since : 0;
    if (this.#state.is === "starting") clearTimeout(this.#state.slow);
    this.#state = { is: "stopped" };
    if (this.#isStopping) return this.#first.resolve();
    if (!this.#wasUp && !this.#options.isPatient) {
      return this.#first.reject(new Error(`${this.#options.name} did not start: see the log`));
    }
    this.#failures = failuresAfter(this.#failures, uptime);
    const random = Math.random();
    const delay = retryDelay({ failures: this.#failures++, afterMs: RESTART_MS, spreadMs: 0, random });
    this.#state = { is: "waiting", timer: setTimeout(() => this.#spawn(), delay) };
  }
}
