// The Worker's configuration: bindings, secrets and vars, validated once.
import { MIN_SECRET_CHARS } from "../protocol/token.ts";
import type { RoomLimits } from "./core/room-settings.ts";
import { type OperatorSettings, type OperatorVars, readOperatorSettings } from "./operators/settings.ts";
import { Problem } from "./problem.ts";
import type { RoomEnv } from "./room-env.ts";
import { readLimits, readRelayLimits } from "./room-limits.ts";
import { isOrigin } from "./web-origin.ts";

/** The secrets and vars that are configuration. */
export interface Vars extends RoomEnv, OperatorVars {
  readonly TOKEN_SECRET?: string;
  readonly TOKEN_SECRET_PREVIOUS?: string;
  readonly OPERATOR_KEY?: string;
  readonly ROOM_CREATION?: string;
  readonly INGEST_URL?: string;
  readonly ALLOWED_ORIGINS?: string;
  readonly LIMITS?: string;
}

/** The configuration in the form that the Worker uses. */
export interface Config {
  /** The first secret signs tokens; all of them are accepted. */
  readonly secrets: readonly [string, ...string[]];
  readonly operatorKey: string | undefined;
  /** True if anyone may create rooms. */
  readonly openCreation: boolean;
  readonly ingestUrl: string;
  /** Allowed origins of pages, in addition to the Worker's own; empty: all. */
  readonly allowedOrigins: readonly string[];
  readonly isRateLimited: boolean;
  readonly limits: RoomLimits;
  readonly operators: OperatorSettings;
}

/** Validates everything and reports all problems together: `Problem("not_configured")`. */
export function readConfig(env: Vars): Config {
  const faults: string[] = [];
  const { TOKEN_SECRET: secret = "", TOKEN_SECRET_PREVIOUS: previous = "", OPERATOR_KEY: key = "" } = env;
  const creation = env.ROOM_CREATION ?? "key";
  if (creation !== "open" && creation !== "key") faults.push('ROOM_CREATION is "open" or "key"');
  checkSecret("TOKEN_SECRET", secret, true, faults);
  checkSecret("TOKEN_SECRET_PREVIOUS", previous, false, faults);
  checkSecret("OPERATOR_KEY", key, creation === "key", faults);
  const limits = readLimits(env, faults);
  readRelayLimits(env, faults);
  const operators = readOperatorSettings(env, faults);
  const allowedOrigins = readOrigins(env.ALLOWED_ORIGINS ?? "", faults);
  if (faults.length > 0) throw new Problem("not_configured", faults.join("; "));
  return Object.freeze({
    secrets: previous ? ([secret, previous] as const) : ([secret] as const),
    operatorKey: key === "" ? undefined : key,
    openCreation: creation === "open",
    ingestUrl: env.INGEST_URL ?? "",
    allowedOrigins,
    isRateLimited: env.LIMITS !== "off",
    limits,
    operators,
  });
}

function readOrigins(text: string, faults: string[]): string[] {
  const origins = text.split(/[\s,]+/).filter((origin) => origin !== "");
  for (const origin of origins) {
    if (!isOrigin(origin)) faults.push("ALLOWED_ORIGINS: https://name, ...");
  }
  return origins;
}

function checkSecret(name: string, value: string, needed: boolean, faults: string[]): void {
  if (value.length >= MIN_SECRET_CHARS || (value === "" && !needed)) return;
  const fault = value === "" ? "is not set" : `is shorter than ${MIN_SECRET_CHARS} characters`;
  faults.push(`${name} ${fault}: run \`npx wrangler secret put ${name}\` (locally: a line in .dev.vars)`);
}
