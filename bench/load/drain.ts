// Waits until subscribers have everything, or until nothing arrives any more.
import { setTimeout as sleep } from "node:timers/promises";
import { PING_EVERY_MS } from "../../protocol/limits.ts";
import { QUIET_MS } from "./pump.ts";
import type { BenchSubscriber } from "./subscriber.ts";

const LOOK_MS = 20;

/**
 * Waits until each of `subscribers` has all frames below `end`, or a report that they are missing. Subscribers that the
 * room closed are ignored.
 */
export async function drain(subscribers: readonly BenchSubscriber[], end: number): Promise<void> {
  let progressAt = performance.now();
  for (const subscriber of subscribers) {
    subscriber.onProgress = () => {
      progressAt = performance.now();
    };
  }
  const beat = setInterval(() => {
    for (const subscriber of subscribers) subscriber.beat();
  }, PING_EVERY_MS);
  try {
    const isBehind = ({ ledger, ended }: BenchSubscriber) => ledger.position < end && ended === undefined;
    while (subscribers.some(isBehind) && performance.now() - progressAt < QUIET_MS) await sleep(LOOK_MS);
  } finally {
    clearInterval(beat);
  }
}
