// What the bridge uses of its surroundings, so that tests can decide.
import type { Environment } from "../client/environment.ts";
import { nodeEnvironment } from "../client/node.ts";
import { PREAMBLE_TIMEOUT_MS } from "../protocol/limits.ts";
import type { Logger } from "./log.ts";

/** The surroundings of a bridge; times are milliseconds. */
export interface Services {
  readonly log: Logger;
  /** The variables that static routes name. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly environment: Environment;
  readonly preambleTimeoutMs: number;
  /** How long a producer may wait for its room's answer. */
  readonly joinTimeoutMs: number;
  /** How long a producer that was told the last word may take to hang up. */
  readonly lingerMs: number;
}

/** The usual surroundings; only the log has to be named. */
export function servicesWith(given: Partial<Services> & Pick<Services, "log">): Services {
  return {
    env: process.env,
    environment: nodeEnvironment,
    preambleTimeoutMs: PREAMBLE_TIMEOUT_MS,
    joinTimeoutMs: 30_000,
    lingerMs: 1000,
    ...given,
  };
}
