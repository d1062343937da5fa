// `roomcast start`: everything on one machine.
import { Command } from "commander";
import { Failure } from "./failure.ts";

/** The options of `roomcast start`; ports as they were written. */
export interface StartOptions {
  readonly port: string;
  readonly ingestPort: string;
  readonly statusPort: string;
  readonly sample: boolean;
  readonly state?: string;
}

/** Starts everything and resolves when it is over. */
export async function start(_options: StartOptions): Promise<void> {
  throw new Failure("start is not built in");
}

/** The command, for the program. */
export function startCommand(): Command {
  return new Command("start")
    .description("Run the rooms, the bridge and a sample source on this machine.")
    .option("--port <port>", "port of the rooms and the pages", "8787")
    .option("--ingest-port <port>", "port for producers", "9000")
    .option("--status-port <port>", "port for health and metrics of the bridge", "9100")
    .option("--no-sample", "without the sample source")
    .option("--state <dir>", "keep the rooms' storage in this folder")
    .action((options: StartOptions) => start(options));
}
