// The bridge in front of a real Worker: in this process, or in its own process.
import { execPath } from "node:process";
import { fileURLToPath } from "node:url";
import { type Bridge, createLogger, readConfig, type Services, startBridge } from "../../ingest-bridge/index.ts";
import { Process, SHOWS_LOGS } from "./processes.ts";

const BUILT = fileURLToPath(new URL("../../dist/cli/roomcast.js", import.meta.url));
const ANY_PORT = "tcp://127.0.0.1:0";

/** A bridge that is listening. */
export interface TestBridge extends AsyncDisposable {
  /** The ports of the listeners, in their order. */
  readonly ports: readonly number[];
  /** The port of the first listener. */
  readonly port: number;
}

/** Starts a bridge in this process. `listen`: the queries of the listeners, without hosts and ports. */
export async function startTestBridge(
  worker: string,
  options: { listen?: readonly string[]; services?: Partial<Services> } = {},
): Promise<TestBridge> {
  const listen = (options.listen ?? [""]).map((query) => `${ANY_PORT}${query}`);
  const config = readConfig({ flags: { listen, status: "127.0.0.1:0", worker }, env: {}, file: undefined });
  const bridge: Bridge = await startBridge(config, {
    log: createLogger(SHOWS_LOGS ? "debug" : "silent"),
    ...options.services,
  });
  const ports = bridge.listeners.map(({ port }) => port);
  return { ports, port: ports[0] ?? 0, [Symbol.asyncDispose]: () => bridge.close() };
}

/** Starts `roomcast bridge` as a process, from the build (`npm run build`). */
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
