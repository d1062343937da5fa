// The bridge's dependencies on its environment, so that tests can replace them.
import type { Environment } from "../client/environment.ts";
import { nodeEnvironment } from "../client/node.ts";
import { PREAMBLE_TIMEOUT_MS } from "../protocol/limits.ts";
import type { Logger } from "./log.ts";

/** The environment of a bridge; times are milliseconds. */
export interface Services {
  readonly log: Logger;
  /** The variables that static routes name. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly environment: Environment;
  readonly preambleTimeoutMs: number;
  /** How long a producer may wait for the room's answer. */
  readonly joinTimeoutMs: number;
  /** How long a producer may take to close after the last answer. */
  readonly lingerMs: number;
}

/** The usual services; only the log is required. */
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
