// Waiting for a condition, with a deadline: tests never sleep for a guessed time.
import { setTimeout as sleep } from "node:timers/promises";

/** Only a test that fails waits this long. A machine that others use may stand still for seconds. */
const PATIENCE_MS = 30_000;

/** Resolves with the first truthy result of `probe`; rejects after `ms`, with the awaited condition. */
export async function waitFor<T>(what: string, probe: () => T | Promise<T>, ms = PATIENCE_MS): Promise<NonNullable<T>> {
  const deadline = performance.now() + ms;
  for (;;) {
    const answer = await probe();
    if (answer) return answer as NonNullable<T>;
    if (performance.now() > deadline) throw new Error(`waited ${ms} ms for ${what}`);
    await sleep(10);
  }
}

/** Resolves like `promise`; rejects after `ms`. */
export async function within<T>(what: string, promise: Promise<T>, ms = PATIENCE_MS): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${ms} ms for ${what}`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
