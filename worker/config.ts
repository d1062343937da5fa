// What the Worker is configured with: bindings, secrets and vars, checked once.
import { MIN_SECRET_CHARS } from "../protocol/token.ts";
import { DEFAULT_LIMITS, type RoomLimits } from "./core/room-settings.ts";
import { Problem } from "./problem.ts";
import type { Room } from "./room-object.ts";

/** The bindings of wrangler.toml, and the secrets. */
export interface Env {
  readonly ROOM: DurableObjectNamespace<Room>;
  readonly ASSETS: Fetcher;
  readonly CREATIONS?: RateLimit;
  readonly TICKETS?: RateLimit;
  readonly UPGRADES?: RateLimit;
  readonly TOKEN_SECRET?: string;
  readonly TOKEN_SECRET_PREVIOUS?: string;
  readonly OPERATOR_KEY?: string;
  readonly ROOM_CREATION?: string;
  readonly INGEST_URL?: string;
  readonly ALLOWED_ORIGINS?: string;
  readonly LIMITS?: string;
  readonly MAX_SUBSCRIBERS?: string;
  readonly MAX_PUBLISHERS?: string;
  readonly MAX_BYTES_PER_SECOND_IN?: string;
  readonly MAX_HISTORY_BYTES?: string;
  readonly MAX_HISTORY_SECONDS?: string;
  readonly MAX_IDLE_SECONDS?: string;
}

/** The configuration as the Worker uses it. */
export interface Config {
  /** Tokens are signed with the first; all of them are accepted. */
  readonly secrets: readonly [string, ...string[]];
  readonly operatorKey: string | undefined;
  /** May anyone create rooms? */
  readonly openCreation: boolean;
  readonly ingestUrl: string;
  /** Origins of pages that may come, beside the Worker's own; empty: all. */
  readonly allowedOrigins: readonly string[];
  readonly isRateLimited: boolean;
  readonly limits: RoomLimits;
}

const LIMIT_VARS = {
  maxSubscribers: "MAX_SUBSCRIBERS",
  maxPublishers: "MAX_PUBLISHERS",
  bytesPerSecondIn: "MAX_BYTES_PER_SECOND_IN",
  historyBytes: "MAX_HISTORY_BYTES",
  historySeconds: "MAX_HISTORY_SECONDS",
  idleExpirySeconds: "MAX_IDLE_SECONDS",
} as const satisfies Record<keyof RoomLimits, keyof Env>;

/** Checks everything and reports all that is wrong at once: `Problem("not_configured")`. */
export function readConfig(env: Env): Config {
  const faults: string[] = [];
  const { TOKEN_SECRET: secret = "", TOKEN_SECRET_PREVIOUS: previous = "", OPERATOR_KEY: key = "" } = env;
  const creation = env.ROOM_CREATION ?? "key";
  if (creation !== "open" && creation !== "key") faults.push('ROOM_CREATION is "open" or "key"');
  checkSecret("TOKEN_SECRET", secret, true, faults);
  checkSecret("TOKEN_SECRET_PREVIOUS", previous, false, faults);
  checkSecret("OPERATOR_KEY", key, creation === "key", faults);
  const limits = readLimits(env, faults);
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
  });
}

/** The operator's limits of rooms; adds to `faults` what is wrong with them. */
export function readLimits(env: Env, faults: string[] = []): RoomLimits {
  const limits: Record<string, number | null> = { ...DEFAULT_LIMITS };
  for (const [name, variable] of Object.entries(LIMIT_VARS)) {
    const text = env[variable] ?? "";
    if (/^[1-9]\d{0,14}$/.test(text)) limits[name] = Number(text);
    else if (text !== "") faults.push(`${variable} is a whole number above 0`);
  }
  return limits as unknown as RoomLimits;
}

function readOrigins(text: string, faults: string[]): string[] {
  const origins = text.split(/[\s,]+/).filter((origin) => origin !== "");
  for (const origin of origins) {
    if (!URL.canParse(origin) || new URL(origin).origin !== origin) faults.push("ALLOWED_ORIGINS: https://name, ...");
  }
  return origins;
}

function checkSecret(name: string, value: string, needed: boolean, faults: string[]): void {
  if (value.length >= MIN_SECRET_CHARS || (value === "" && !needed)) return;
  const fault = value === "" ? "is not set" : `is shorter than ${MIN_SECRET_CHARS} characters`;
  faults.push(`${name} ${fault}: run \`npx wrangler secret put ${name}\` (locally: a line in .dev.vars)`);
}
