// What the Worker is configured with: bindings, secrets and vars, checked once.
import { MIN_SECRET_CHARS } from "../protocol/token.ts";
import { Problem } from "./problem.ts";
import type { Room } from "./room.ts";

/** The bindings of wrangler.toml, and the secrets. */
export interface Env {
  readonly ROOM: DurableObjectNamespace<Room>;
  readonly ASSETS: Fetcher;
  readonly TOKEN_SECRET?: string;
  readonly TOKEN_SECRET_PREVIOUS?: string;
  readonly OPERATOR_KEY?: string;
  readonly ROOM_CREATION?: string;
  readonly INGEST_URL?: string;
}

/** The configuration as the Worker uses it. */
export interface Config {
  /** Tokens are signed with the first; all of them are accepted. */
  readonly secrets: readonly [string, ...string[]];
  /** undefined: anyone may create rooms. */
  readonly operatorKey: string | undefined;
  readonly ingestUrl: string;
}

/** Checks everything and reports all that is wrong at once: `Problem("not_configured")`. */
export function readConfig(env: Env): Config {
  const { TOKEN_SECRET: secret = "", TOKEN_SECRET_PREVIOUS: previous, OPERATOR_KEY: key = "" } = env;
  const faults: string[] = [];
  if (secret.length < MIN_SECRET_CHARS) faults.push(missing("TOKEN_SECRET", secret));
  if (previous !== undefined && previous !== "" && previous.length < MIN_SECRET_CHARS) {
    faults.push(missing("TOKEN_SECRET_PREVIOUS", previous));
  }
  const creation = env.ROOM_CREATION ?? "key";
  if (creation !== "open" && creation !== "key") faults.push('ROOM_CREATION is "open" or "key"');
  if (creation === "key" && key.length < MIN_SECRET_CHARS) faults.push(missing("OPERATOR_KEY", key));
  if (faults.length > 0) throw new Problem("not_configured", faults.join("; "));
  return Object.freeze({
    secrets: previous ? ([secret, previous] as const) : ([secret] as const),
    operatorKey: creation === "open" ? undefined : key,
    ingestUrl: env.INGEST_URL ?? "",
  });
}

function missing(name: string, value: string): string {
  const fault = value === "" ? "is not set" : `is shorter than ${MIN_SECRET_CHARS} characters`;
  return `${name} ${fault}: run \`npx wrangler secret put ${name}\` (locally: a line in .dev.vars)`;
}
