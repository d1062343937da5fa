// A Worker in its own process, on a port and with a state that survive it: it can be killed and restarted.
import { fileURLToPath } from "node:url";
import { freePort } from "../../cli/free-port.ts";
import { startTestRuntime } from "./local-room.ts";
import { Process } from "./processes.ts";

const PROGRAM = fileURLToPath(import.meta.url);

/** A Worker that may or may not be running. Disposing it ends it. */
export class WorkerProcess implements AsyncDisposable {
  readonly url: string;
  readonly #args: readonly string[];
  #process: Process | undefined;

  private constructor(port: number, state: string, vars: Record<string, string>) {
    this.url = `http://127.0.0.1:${port}`;
    this.#args = [PROGRAM, String(port), state, JSON.stringify(vars)];
  }

  /** Starts one on a free port, with its state in the folder `state`. */
  static async start(state: string, vars: Record<string, string> = {}): Promise<WorkerProcess> {
    const worker = new WorkerProcess(await freePort(), state, vars);
    await worker.restart();
    return worker;
  }

  /** Starts it again. */
  async restart(): Promise<void> {
    this.#process = Process.start(process.execPath, this.#args);
    await this.#process.says(/worker ready/, 60_000);
  }

  /** `kill -9` of all of its processes. */
  async kill(): Promise<void> {
    await this.#process?.[Symbol.asyncDispose]();
    this.#process = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process?.[Symbol.asyncDispose]();
  }
}

if (import.meta.main) {
  const [port, state, vars = "{}"] = process.argv.slice(2);
  await startTestRuntime({ port: Number(port), ...(state !== undefined && { state }), vars: JSON.parse(vars) });
  process.stdout.write("worker ready\n");
}
