// When to try again: capped exponential backoff with full jitter, so that a room's clients do not come back in step.

const BASE_MS = 500;
const CAP_MS = 15_000;
const HEALTHY_MS = 10_000;

/**
 * Milliseconds until the next attempt. `failures`: attempts that failed in a row before this one; `afterMs`: what the
 * room asked for (0: nothing); `random` in [0, 1).
 */
export function retryDelay(failures: number, afterMs: number, random: number): number {
  return Math.max(random * Math.min(CAP_MS, BASE_MS * 2 ** failures), afterMs * (1 + random));
}

/** How many failures count after a connection that was open for `uptimeMs`: only a healthy one clears them. */
export function failuresAfter(failures: number, uptimeMs: number): number {
  return uptimeMs >= HEALTHY_MS ? 0 : failures;
}
