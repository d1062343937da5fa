// The bridge in front of a real Worker: in this process, or as one of its own.
import { execPath } from "node:process";
import { fileURLToPath } from "node:url";
import { type Bridge, createLogger, readConfig, type Services, startBridge } from "../../ingest-bridge/index.ts";
import { Process } from "./processes.ts";

const BUILT = fileURLToPath(new URL("../../dist/cli/roomcast.js", import.meta.url));
const ANY_PORT = "tcp://127.0.0.1:0";

/** A bridge that is listening. */
export interface TestBridge extends AsyncDisposable {
  /** Of the listeners, in the order in which they were named. */
  readonly ports: readonly number[];
  /** The port of the first listener. */
  readonly port: number;
}

/** Starts a bridge in this process. `listen` without hosts and ports: the queries of the listeners. */
export async function startTestBridge(
  worker: string,
  options: { listen?: readonly string[]; services?: Partial<Services> } = {},
): Promise<TestBridge> {
  const listen = (options.listen ?? [""]).map((query) => `${ANY_PORT}${query}`);
  const config = readConfig({ flags: { listen, status: "127.0.0.1:0", worker }, env: {}, file: undefined });
  const bridge: Bridge = await startBridge(config, { log: createLogger("silent"), ...options.services });
  const ports = bridge.listeners.map(({ port }) => port);
  return { ports, port: ports[0] ?? 0, [Symbol.asyncDispose]: () => bridge.close() };
}

/** Starts `roomcast bridge` as a process, as it is installed (`npm run build`). */
export async function startBridgeProcess(
  worker: string,
  more: readonly string[] = [],
): Promise<TestBridge & { readonly process: Process }> {
  const args = ["bridge", "--listen", ANY_PORT, "--status", "127.0.0.1:0", "--worker", worker, ...more];
  const process = Process.start(execPath, [BUILT, ...args]);
  try {
    const [, port] = await process.says(/"listen":\["tcp:\/\/127\.0\.0\.1:(\d+)"\]/);
    const ports = [Number(port)];
    return { process, ports, port: Number(port), [Symbol.asyncDispose]: () => process[Symbol.asyncDispose]() };
  } catch (error) {
    await process[Symbol.asyncDispose]();
    throw error;
  }
}
