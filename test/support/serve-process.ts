// `roomcast serve` as a process, on its own ports and with a state folder that survives it.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { commandOf, descendantsOf, Process } from "./processes.ts";
import { waitFor } from "./wait.ts";

const ANY = "127.0.0.1:0";
/** Three programs start, on a machine that may be busy. */
const START_MS = 60_000;

/** The answer of `/healthz`. */
export interface Health {
  readonly ok: boolean;
  readonly worker: {
    readonly up: boolean;
    readonly restarts: number;
    readonly rooms?: number;
    readonly relays?: number;
  };
  readonly bridge: { readonly up: boolean; readonly restarts: number };
}

/** A running server. Disposing it kills it. */
export class ServeProcess implements AsyncDisposable {
  readonly process: Process;
  readonly url: string;
  readonly ingestPort: number;
  readonly #status: string;
  readonly #state: string;

  private constructor(process: Process, state: string, [, url, port, status]: RegExpExecArray) {
    this.process = process;
    this.url = url ?? "";
    this.ingestPort = Number(port);
    this.#status = status ?? "";
    this.#state = state;
  }

  /** Resolves when it serves. `listen`: the previous address. */
  static async start(
    state: string,
    options: { listen?: string; args?: readonly string[]; env?: Record<string, string> } = {},
  ): Promise<ServeProcess> {
    const { listen = ANY, args = [], env = {} } = options;
    const places = ["--listen", listen, "--ingest", ANY, "--status", ANY, "--state", state];
    const process = Process.roomcast(["serve", ...places, ...args], { env });
    try {
      const told = await process.says(
        /"url":"(http:[^"]+)","ingest":\["tcp:[^"]+:(\d+)"\],"status":"([^"]+)"/,
        START_MS,
      );
      return new ServeProcess(process, state, told);
    } catch (error) {
      await process[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** HOST:PORT of the rooms. */
  get listen(): string {
    return new URL(this.url).host;
  }

  /** The key that it created. */
  get operatorKey(): string {
    return parseEnv(readFileSync(join(this.#state, "secrets.env"), "utf8")).OPERATOR_KEY ?? "";
  }

  async health(): Promise<Health & { readonly status: number }> {
    const response = await fetch(`${this.#status}/healthz`);
    return { ...((await response.json()) as Health), status: response.status };
  }

  async metrics(): Promise<string> {
    return (await fetch(`${this.#status}/metrics`)).text();
  }

  /** The current process of a part. */
  pidOf(part: "workerd" | "bridge"): number {
    const found = descendantsOf(this.process.pid).find((pid) => {
      const [program = "", ...args] = commandOf(pid);
      return part === "bridge" ? args.includes("bridge") : program.endsWith("/workerd");
    });
    if (found === undefined) throw new Error(`no ${part} runs`);
    return found;
  }

  /** `kill -9` of a part; resolves when it has restarted. */
  async kill(part: "workerd" | "bridge"): Promise<void> {
    const pid = this.pidOf(part);
    const name = part === "bridge" ? "bridge" : "worker";
    const { restarts } = (await this.health())[name];
    process.kill(pid, "SIGKILL");
    const isBack = async () => {
      const now = (await this.health())[name];
      return now.up && now.restarts > restarts;
    };
    await waitFor(`${part} to be there again`, isBack, START_MS);
  }

  /** SIGTERM; resolves with the exit code and the duration in ms. */
  async stop(): Promise<{ readonly code: number | string; readonly ms: number }> {
    const begin = performance.now();
    this.process.child.kill("SIGTERM");
    return { code: await this.process.exit, ms: performance.now() - begin };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.process[Symbol.asyncDispose]();
  }
}
