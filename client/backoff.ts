// The delay before a retry. A room's clients reconnect neither in step nor all within a moment (rule R2).

const BASE_MS = 500;
const CAP_MS = 15_000;
const HEALTHY_MS = 10_000;

/** The inputs of a delay. Times are milliseconds. */
export interface Retry {
  /** Attempts that failed in a row before this one. */
  readonly failures: number;
  /** The earliest time that the room or a refusal asked for; 0: none. */
  readonly afterMs: number;
  /** The duration over which the clients of this room spread; 0: unknown, so `afterMs` has to be enough. */
  readonly spreadMs: number;
  /** In [0, 1). */
  readonly random: number;
}

/**
 * Returns the milliseconds until the next attempt. The first retry comes at any time within the spread. Each further
 * retry comes a whole spread later, plus full jitter that doubles up to 15 s. So a client tries at most once per
 * spread, and all clients together never try faster than in the first round, however long the room is away.
 */
export function retryDelay({ failures, afterMs, spreadMs, random }: Retry): number {
  const jitterMs = Math.min(CAP_MS, BASE_MS * 2 ** failures);
  const asked = afterMs + random * Math.max(jitterMs, spreadMs || Math.min(CAP_MS, afterMs));
  return failures === 0 ? asked : Math.max(asked, spreadMs + random * jitterMs);
}

/** The number of failures after a connection that was open for `uptimeMs`: only a healthy connection clears them. */
export function failuresAfter(failures: number, uptimeMs: number): number {
  return uptimeMs >= HEALTHY_MS ? 0 : failures;
}
