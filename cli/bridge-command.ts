// `roomcast bridge`: the ingest bridge as a process.
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { Command, Option } from "commander";
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
Every option is also a variable (ROOMCAST_LISTEN, with commas; ROOMCAST_BUFFER_BYTES, ...) and a key of the TOML
file (listen = ["tcp://..."], buffer-bytes = 16777216, ...). An option wins over its variable, that over the file.

Listen URLs:
  tcp://HOST:PORT                     producers send a line: ROOMCAST/1 room=ROOM token=TOKEN [track=..] [framing=..]
  tls://HOST:PORT?cert=FILE&key=FILE  the same over TLS; client-ca=FILE: producers need a certificate that it signed
  ...?room=ROOM&token-file=FILE       for producers that can send no such line; also track=.., framing=..,
                                      token-env=NAME instead of token-file. The file is read for each attempt
  ...&proxy=v2                        behind a load balancer that sends the PROXY header, version 2
  ...&on-full=drop-group              another --on-full for this listener

SIGTERM and SIGINT drain: no new producers, what is buffered is delivered, within --drain-timeout.
SIGHUP reads the certificates again; connections stay.

Exit codes: 0 ok, 1 failure while running or not drained in time, 2 bad configuration.`;

/** The command, for the program. */
export function bridgeCommand(): Command {
  const command = new Command("bridge").description("Take byte streams over TCP and publish them to rooms.");
  for (const { key, name, value, initial, help } of SETTINGS) {
    const option = new Option(`--${name} <${value}>`, `${help} (default: ${initial})`);
    if (key === "listen") option.argParser((url: string, urls: string[] = []) => [...urls, url]);
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
  if (flags.checkConfig) return void process.stderr.write("roomcast: the configuration is good\n");
  const log = createLogger(config.logLevel);
  const bridge = await startBridge(config, { log });
  const reload = () => void bridge.reload();
  process.on("SIGHUP", reload);
  try {
    const [signal] = await Promise.race([once(process, "SIGTERM"), once(process, "SIGINT")]);
    log.info({ signal, seconds: config.drainTimeout }, "draining");
    await drain(bridge, config.drainTimeout);
    log.info("drained");
  } finally {
    process.off("SIGHUP", reload);
  }
}

async function drain(bridge: Bridge, seconds: number): Promise<void> {
  const isDrained = await bridge.drain(seconds * 1000);
  await bridge.close();
  if (!isDrained) throw new Failure(`not everything was delivered within ${seconds} s`);
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
