// Idle memory: the memory of a subscriber that only stays connected.
import { setTimeout as sleep } from "node:timers/promises";
import { STAMP_BYTES } from "../load/accounting/stamp.ts";
import { BenchPublisher } from "./load/publisher.ts";
import { settle } from "./load/round.ts";
import { joinAll } from "./load/subscriber.ts";
import type { Emit } from "./report.ts";
import { round } from "./stats.ts";
import { residentBytes } from "./targets/process.ts";
import type { Target } from "./targets/target.ts";

/** Time to release what the joins left behind, as far as possible. */
const REST_MS = 2000;

/**
 * Measures one target. Some subscribers join first, so that shared memory is not counted. All subscribers have received
 * something, so that the memory for that is counted.
 */
export async function idle(subscribers: number, target: Target, emit: Emit): Promise<void> {
  const publisher = await BenchPublisher.join(target, STAMP_BYTES);
  const first = await joinAll(target, Math.ceil(subscribers / 10), STAMP_BYTES);
  await settle(publisher, first);
  await sleep(REST_MS);
  const before = residentBytes(target.pid);
  const rest = await joinAll(target, subscribers, STAMP_BYTES);
  await settle(publisher, rest);
  await sleep(REST_MS);
  const after = residentBytes(target.pid);
  emit({
    bench: "idle",
    target: target.name,
    subscribers,
    rss_before_mib: round(before / 1024 ** 2),
    rss_after_mib: round(after / 1024 ** 2),
    rss_per_subscriber_kib: round((after - before) / 1024 / subscribers, 3),
  });
  for (const connection of [publisher, ...first, ...rest]) connection.leave();
}
