// `roomcast bridge`: the ingest bridge as a process.
import { once as nextEvent } from "node:events";
import { readFile } from "node:fs/promises";
import { Command, InvalidArgumentError, Option } from "commander";
import {
  type Bridge,
  type Config,
  ConfigError,
  checkFiles,
  createLogger,
  readConfig,
  SETTINGS,
  startBridge,
  variableOf,
} from "../ingest-bridge/index.ts";
import { Failure } from "./failure.ts";

const HELP = `
You can also set every option as a variable (ROOMCAST_LISTEN, separated by commas; ROOMCAST_BUFFER_BYTES, ...) and as a
key of the TOML file (listen = ["tcp://..."], buffer-bytes = 16777216, ...). Options override variables, and variables
override the file.

Listen URLs:
  tcp://HOST:PORT                     producers send a line: ROOMCAST/1 room=ROOM token=TOKEN [track=..] [framing=..] [content-type=..]
  tls://HOST:PORT?cert=FILE&key=FILE  the same over TLS; client-ca=FILE: producers need a certificate that this CA signed
  ...?room=ROOM&token-file=FILE       for producers that cannot send this line; also track=.., framing=..,
                                      content-type=.., token-env=NAME instead of token-file. The bridge reads the
                                      file for each attempt
  ...&proxy=v2                        behind a load balancer that sends the PROXY header, version 2
  ...&on-full=drop-group              another --on-full for this listener

At SIGTERM and SIGINT, the bridge accepts no new producers and delivers its buffers, within --drain-timeout.
At SIGHUP, it reloads the certificates. Connections stay open.

Exit codes: 0 ok, 1 failure while running or not drained in time, 2 bad configuration.`;

/** The command, for the program. */
export function bridgeCommand(): Command {
  const command = new Command("bridge").description("Take byte streams over TCP and publish them to rooms.");
  for (const { key, name, value, initial, help } of SETTINGS) {
    const option = new Option(`--${name} <${value}>`, `${help} (default: ${initial})`);
    if (key === "listen") option.argParser((url: string, urls: string[] = []) => [...urls, url]);
    else option.argParser(once);
    command.addOption(option);
  }
  return command
    .option("--config <file>", "read settings from a TOML file")
    .option("--check-config", "check the settings and exit")
    .addHelpText("after", HELP)
    .action(run);
}

type Flags = Record<string, unknown> & { readonly config?: string; readonly checkConfig?: true };

async function run(flags: Flags): Promise<void> {
  const config = await loadConfig(flags);
  if (flags.checkConfig) return void process.stderr.write("roomcast: the configuration is valid\n");
  const log = createLogger(config.logLevel);
  const bridge = await startBridge(config, { log });
  const reload = () => void bridge.reload();
  process.on("SIGHUP", reload);
  try {
    const [signal] = await Promise.race([nextEvent(process, "SIGTERM"), nextEvent(process, "SIGINT")]);
    log.info({ signal, seconds: config.drainTimeout }, "draining");
    await drain(bridge, config.drainTimeout);
    log.info("drained");
  } finally {
    process.off("SIGHUP", reload);
  }
}

/** If an option had two values, one would be ignored. */
function once(value: string, former: string | undefined): string {
  if (former !== undefined) throw new InvalidArgumentError("Give it only once.");
  return value;
}

async function drain(bridge: Bridge, seconds: number): Promise<void> {
  const isDrained = await bridge.drain(seconds * 1000);
  await bridge.close();
  if (!isDrained) throw new Failure(`some data was not delivered within ${seconds} s`);
}

async function loadConfig(flags: Flags): Promise<Config> {
  try {
    const path = flags.config ?? process.env[variableOf("config")];
    const file = path ? await readFile(path, "utf8").catch(unreadable) : undefined;
    const config = readConfig({ flags, env: process.env, file });
    await checkFiles(config, process.env);
    return config;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new Failure(`bad configuration\n  ${error.problems.join("\n  ")}`, 2, { cause: error });
  }
}

function unreadable(cause: Error): never {
  throw new ConfigError([`--config (${variableOf("config")}) cannot be read: ${cause.message}`]);
}
