// Waiting for a condition instead of for a time.
import { setTimeout as sleep } from "node:timers/promises";

/** Only a test that fails waits this long. */
export const UNTIL_MS = 8000;

/** Resolves when `condition` is true; rejects after `deadlineMs`. */
export async function until(condition: () => boolean | Promise<boolean>, deadlineMs = UNTIL_MS): Promise<void> {
  const end = performance.now() + deadlineMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`not within ${deadlineMs} ms: ${condition}`);
    await sleep(5);
  }
}
