// `roomcast serve`: rooms and bridge on your own machine, for production.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Command, Option } from "commander";
import { ConfigError, createLogger, variableOf } from "../ingest-bridge/index.ts";
import { Server } from "../serve/server.ts";
import { readServeConfig, SERVE_SETTINGS } from "../serve/settings.ts";
import { readManifest } from "../serve/worker-manifest.ts";
import { Failure } from "./failure.ts";
import { packageRoot } from "./package-root.ts";

const HELP = `
You can also set every option as a variable (ROOMCAST_LISTEN, ...) and as a key of the TOML file
(listen = "127.0.0.1:8787", ...). Options override variables, and variables override the file.

Set the Worker's vars with --var, with variables of the same names, or in [vars] of the file. Set the secrets with
TOKEN_SECRET and OPERATOR_KEY, or TOKEN_SECRET_FILE and OPERATOR_KEY_FILE. Otherwise, the first start creates them in
secrets.env of the state folder. The same applies to WEBHOOK_SECRET if WEBHOOK_URL is set.

The buckets of --recordings and --cluster need AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and
AWS_SESSION_TOKEN. Set the bridge's other settings with its variables (roomcast bridge --help).

At SIGTERM and SIGINT, the server delivers producers' bytes, tells all clients to reconnect, and ends within 6 s.
At SIGHUP, it reloads the certificates of tls:// listeners.

Exit codes: 0 success; 1 failure; 2 bad configuration.`;

/** The command, for the program. */
export function serveCommand(): Command {
  const command = new Command("serve").description("Run the rooms and the bridge on this machine, for production.");
  for (const { name, value, initial, help } of SERVE_SETTINGS) {
    command.addOption(new Option(`--${name} <${value}>`, help + (initial && ` (default: ${initial})`)));
  }
  return command
    .option(
      "--var <name=value>",
      "a var of the Worker, repeatable",
      (text: string, all: string[]) => [...all, text],
      [],
    )
    .option("--config <file>", "read settings from a TOML file")
    .addHelpText("after", HELP)
    .action(serve);
}

type Flags = Record<string, unknown> & { readonly config?: string };

/** Runs until it is stopped, also during the start. */
async function serve(flags: Flags): Promise<void> {
  const stopped = new Promise<string>((stop) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, stop);
  });
  try {
    const { config, manifest, root } = configOf(flags, process.env);
    const log = createLogger(config.logLevel);
    const given = { manifest, dist: join(root, "dist"), command: process.argv[1] ?? "", env: process.env, log };
    const server = Server.prepare(config, given);
    process.once("exit", () => server.kill());
    process.on("SIGHUP", () => server.reload());
    const running = server.start().then(() => log.info(server.addresses, "serving"));
    try {
      log.info({ signal: await Promise.race([stopped, running.then(() => stopped)]) }, "stopping");
    } finally {
      running.catch(() => {});
      await server.stop();
    }
    log.info("stopped");
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new Failure(`bad configuration\n  ${error.problems.join("\n  ")}`, 2, { cause: error });
  }
}

function configOf(flags: Flags, env: NodeJS.ProcessEnv) {
  const root = packageRoot();
  const manifest = readManifest(readFileSync(join(root, "wrangler.toml"), "utf8"));
  const file = readFile(flags.config ?? env[variableOf("config")]);
  return { config: readServeConfig({ flags, env, file, vars: manifest.vars }), manifest, root };
}

function readFile(path: string | undefined): string | undefined {
  try {
    return path ? readFileSync(path, "utf8") : undefined;
  } catch (error) {
    throw new ConfigError([
      `--config (ROOMCAST_CONFIG) cannot be read: ${error instanceof Error ? error.message : error}`,
    ]);
  }
}
