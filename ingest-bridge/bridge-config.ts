// The bridge's configuration: flags, environment and file, merged, validated as a whole, frozen. Pure.
import { parse as parseToml } from "smol-toml";
import * as z from "zod/mini";
import { ON_FULL } from "../client/index.ts";
import { type Address, addressOf, type Listen, parseListen } from "./listen-url.ts";
import { type Config, LOG_LEVELS, SETTINGS } from "./settings.ts";

/** The sources of settings. The first source that has a setting decides. */
export interface Sources {
  /** By `Setting.key`. */
  readonly flags: Readonly<Record<string, unknown>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The file's text, TOML. */
  readonly file: string | undefined;
}

/** The configuration is invalid. `problems` has one line for each problem. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
    this.problems = problems;
  }
}

/** The environment variable of a setting or flag. */
export function variableOf(name: string): string {
  return `ROOMCAST_${name.toUpperCase().replaceAll("-", "_")}`;
}

/** Merges and validates; throws `ConfigError` with all problems together. */
export function readConfig(sources: Sources): Config {
  const problems: string[] = [];
  const file = readFile(sources.file, problems);
  const values = Object.fromEntries(
    SETTINGS.map(({ key, name, initial }) => [
      key,
      sources.flags[key] ?? (sources.env[variableOf(name)] || undefined) ?? file[name] ?? initial,
    ]),
  );
  const result = schemaFor(sources.env).safeParse(values);
  for (const issue of result.error?.issues ?? []) {
    const name = SETTINGS.find(({ key }) => key === issue.path[0])?.name ?? "config";
    problems.push(`--${name} (${variableOf(name)}) ${issue.message}`);
  }
  if (!result.success || problems.length > 0) throw new ConfigError(problems);
  return deepFreeze(result.data);
}

function readFile(text: string | undefined, problems: string[]): Record<string, unknown> {
  try {
    const values = parseToml(text ?? "");
    for (const key of Object.keys(values)) {
      if (SETTINGS.some(({ name }) => name === key)) continue;
      problems.push(`--config (ROOMCAST_CONFIG) has the unknown key ${JSON.stringify(key)}`);
    }
    return values;
  } catch (error) {
    const [first] = String(error instanceof Error ? error.message : error).split("\n");
    problems.push(`--config (ROOMCAST_CONFIG) is not valid TOML: ${first}`);
    return {};
  }
}

function schemaFor(env: Sources["env"]) {
  return z.object({
    listen: z.pipe(z.union([z.string(), z.array(z.string())], "is not a list of URLs"), listenList(env)),
    worker: z.string("is not a URL").check(z.refine(isWorkerUrl, "is not an http:// or https:// URL without a query")),
    status: z.pipe(z.string("is not HOST:PORT"), address),
    logLevel: z.enum(LOG_LEVELS, `is not one of ${LOG_LEVELS.join(", ")}`),
    bufferBytes: whole(64 * 1024, 1024 ** 3),
    totalBufferBytes: whole(64 * 1024, 1024 ** 4),
    onFull: z.enum(ON_FULL, `is not one of ${ON_FULL.join(", ")}`),
    maxConnections: whole(1, 65_536),
    maxConnectionsPerAddress: whole(0, 65_536),
    idleTimeout: whole(0, 86_400),
    coalesceMs: whole(0, 10_000),
    coalesceBytes: whole(1, 1024 ** 2),
    drainTimeout: whole(0, 3600),
  });
}

function listenList(env: Sources["env"]) {
  return z.transform((value: string | string[], { issues }) => {
    const texts = [value].flat().flatMap((text) => text.split(","));
    const listen: Listen[] = [];
    for (const text of texts) {
      const report = (problem: string) => issues.push({ code: "custom", message: `${text} ${problem}`, input: value });
      const one = parseListen(text.trim(), report);
      if (one !== undefined) listen.push(one);
      const token = one?.route?.token;
      if (token?.from === "environment" && !env[token.variable]) report(`names ${token.variable}, which is not set`);
    }
    return listen;
  });
}

const address = z.transform((text: string, { issues }): Address => {
  const url = `tcp://${text}`;
  const parsed = URL.canParse(url) && !text.includes("?") ? addressOf(new URL(url)) : undefined;
  if (parsed === undefined) issues.push({ code: "custom", message: "is not HOST:PORT", input: text });
  return parsed ?? { host: "", port: 0 };
});

function whole(least: number, most: number) {
  const message = `is not a whole number from ${least} to ${most}`;
  const inRange = (n: number) => Number.isInteger(n) && n >= least && n <= most;
  return z.pipe(
    z.union([z.number(), z.string()], message),
    z.pipe(z.transform(Number), z.number(message).check(z.refine(inRange, message))),
  );
}

function isWorkerUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  return /^https?:$/.test(url.protocol) && url.username + url.password + url.search + url.hash === "";
}

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null) Object.values(Object.freeze(value)).forEach(deepFreeze);
  return value;
}
