// The settings of `roomcast serve`: from options, variables and a file, validated as a whole, frozen.
import { isIP } from "node:net";
import { parse as parseToml } from "smol-toml";
import * as z from "zod/mini";
import { ConfigError, LOG_LEVELS, variableOf } from "../ingest-bridge/index.ts";
import type { HostPort } from "./host-port.ts";

/** A setting's form on the command line, and its default. */
export interface ServeSetting {
  readonly key: keyof ServeConfig;
  /** The option is `--NAME`, the variable `ROOMCAST_NAME`, the file's key `NAME`. */
  readonly name: string;
  readonly value: string;
  readonly initial: string;
  readonly help: string;
}

/** All settings, in the order of the help text. */
export const SERVE_SETTINGS: readonly ServeSetting[] = [
  { key: "listen", name: "listen", value: "host:port", initial: "127.0.0.1:8787", help: "rooms, API and pages" },
  {
    key: "ingest",
    name: "ingest",
    value: "host:port",
    initial: "127.0.0.1:9000",
    help: "producers; also tcp:// and tls:// URLs of `roomcast bridge --listen`, separated by commas",
  },
  { key: "status", name: "status", value: "host:port", initial: "127.0.0.1:9100", help: "health and metrics" },
  { key: "state", name: "state", value: "dir", initial: ".roomcast/serve", help: "folder of rooms and secrets" },
  {
    key: "trustProxy",
    name: "trust-proxy",
    value: "networks",
    initial: "",
    help: "proxies whose X-Forwarded-For and X-Forwarded-Proto the server believes: addresses or networks, separated by commas",
  },
  {
    key: "recordings",
    name: "recordings",
    value: "url",
    initial: "",
    help: "s3://BUCKET/PREFIX: keep recordings in this bucket, not in the state folder",
  },
  {
    key: "events",
    name: "events",
    value: "on|off",
    initial: "on",
    help: "off: no index of rooms, no webhooks, no console",
  },
  {
    key: "cluster",
    name: "cluster",
    value: "url",
    initial: "",
    help: "s3://BUCKET/PREFIX: share rooms with the other instances that use it (experimental)",
  },
  {
    key: "clusterAddress",
    name: "cluster-address",
    value: "host:port",
    initial: "127.0.0.1:9200",
    help: "for the other instances, over a private network: this traffic is not encrypted",
  },
  {
    key: "clusterAdvertise",
    name: "cluster-advertise",
    value: "host:port",
    initial: "",
    help: "the address that they connect to, if it differs",
  },
  { key: "logLevel", name: "log-level", value: "level", initial: "info", help: LOG_LEVELS.join(", ") },
];

const hostPort = z.pipe(
  z.string("is not HOST:PORT").check(z.refine(isHostPort, "is not HOST:PORT, such as 127.0.0.1:8787 or [::]:8787")),
  z.transform((text) => text as HostPort),
);

const schema = z.object({
  listen: hostPort,
  ingest: z.pipe(z.string("is not HOST:PORT"), z.transform(listenUrls)),
  status: hostPort,
  state: z.string("is not a folder").check(z.minLength(1, "is not a folder")),
  trustProxy: z
    .string("is not a text")
    .check(z.refine(areNetworks, "has an entry that is neither an address nor a network")),
  // Only characters that no store and no list has to escape.
  recordings: z
    .string("is not a URL")
    .check(z.regex(/^(?:s3:\/\/[A-Za-z0-9._-]+(?:\/[A-Za-z0-9._-]+)*)?$/, "is not s3://BUCKET/PREFIX")),
  cluster: z.string("is not a URL").check(z.regex(/^(?:s3:\/\/[^/]+\/.+)?$/, "is not s3://BUCKET/PREFIX")),
  events: z.enum(["on", "off"], "is neither on nor off"),
  clusterAddress: hostPort,
  clusterAdvertise: z
    .string("is not HOST:PORT")
    .check(z.refine((text) => text === "" || isHostPort(text), "is not HOST:PORT")),
  logLevel: z.enum(LOG_LEVELS, `is not one of ${LOG_LEVELS.join(", ")}`),
});

/** The settings as they are used. */
export type ServeConfig = z.infer<typeof schema> & {
  /** Vars of the Worker, which override those of wrangler.toml. */
  readonly vars: Readonly<Record<string, string>>;
};

/** The sources of settings; the first source that has a setting decides. */
export interface ServeSources {
  /** By `ServeSetting.key`; `var`: NAME=VALUE each. */
  readonly flags: Readonly<Record<string, unknown>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The text of the file, TOML. */
  readonly file: string | undefined;
  /** The vars that exist. */
  readonly vars: Readonly<Record<string, string>>;
}

/** Merges and validates; throws `ConfigError` with all problems together. */
export function readServeConfig({ flags, env, file, vars }: ServeSources): ServeConfig {
  const problems: string[] = [];
  const { vars: fileVars = {}, ...values } = readFile(file, problems);
  const chosen = SERVE_SETTINGS.map(({ key, name, initial }) => [
    key,
    flags[key] ?? (env[variableOf(name)] || undefined) ?? values[name] ?? initial,
  ]);
  const result = schema.safeParse(Object.fromEntries(chosen));
  for (const { path, message } of result.error?.issues ?? []) {
    const name = SERVE_SETTINGS.find(({ key }) => key === path[0])?.name ?? "config";
    problems.push(`--${name} (${variableOf(name)}) ${message}`);
  }
  const given = Object.entries({
    ...(fileVars as Record<string, unknown>),
    ...envVars(env, vars),
    ...flagVars(flags.var, problems),
  });
  for (const [name, value] of given) {
    if (!Object.hasOwn(vars, name))
      problems.push(`${name} is not a var of the Worker. The vars are ${Object.keys(vars).join(", ")}`);
    else if (typeof value !== "string") problems.push(`${name} is not a text: write "${value}"`);
  }
  if (!result.success || problems.length > 0) throw new ConfigError(problems);
  return Object.freeze({ ...result.data, vars: Object.freeze(Object.fromEntries(given) as Record<string, string>) });
}

function readFile(text: string | undefined, problems: string[]): Record<string, unknown> {
  try {
    const values = parseToml(text ?? "");
    const known = ["vars", ...SERVE_SETTINGS.map(({ name }) => name)];
    for (const key of Object.keys(values)) {
      if (!known.includes(key)) problems.push(`--config (ROOMCAST_CONFIG) has the unknown key ${JSON.stringify(key)}`);
    }
    return values;
  } catch (error) {
    const [first] = String(error instanceof Error ? error.message : error).split("\n");
    problems.push(`--config (ROOMCAST_CONFIG) is not valid TOML: ${first}`);
    return {};
  }
}

/** A var of the Worker is also a variable of the same name. */
function envVars(env: ServeSources["env"], vars: ServeSources["vars"]): Record<string, string> {
  const names = Object.keys(vars).filter((name) => env[name] !== undefined);
  return Object.fromEntries(names.map((name) => [name, env[name] ?? ""]));
}

function flagVars(texts: unknown, problems: string[]): Record<string, string> {
  const given = (texts ?? []) as readonly string[];
  const pairs = given.map((text) => [text.split("=")[0] ?? "", text.slice(text.indexOf("=") + 1)] as const);
  for (const text of given) if (!text.includes("=")) problems.push("--var must be NAME=VALUE");
  return Object.fromEntries(pairs);
}

/** HOST:PORT is tcp://HOST:PORT. The bridge checks the rest. */
function listenUrls(text: string): readonly string[] {
  return text.split(",").map((one) => (one.includes("://") ? one.trim() : `tcp://${one.trim()}`));
}

function isHostPort(text: string): boolean {
  const port = /^(?:\[[0-9a-f:.]+\]|[^:\s[\]]+):(\d{1,5})$/i.exec(text)?.[1];
  return port !== undefined && Number(port) < 65_536;
}

function areNetworks(text: string): boolean {
  return text
    .split(/[\s,]+/)
    .filter((part) => part !== "")
    .every((part) => {
      const [address = "", prefix = "0", more] = part.split("/");
      const bits = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
      return more === undefined && /^\d{1,3}$/.test(prefix) && Number(prefix) <= bits;
    });
}
