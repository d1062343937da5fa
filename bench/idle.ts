// Idle memory: what a subscriber costs that is only there.
import { setTimeout as sleep } from "node:timers/promises";
import { BenchPublisher } from "./load/publisher.ts";
import { settle } from "./load/round.ts";
import { STAMP_BYTES } from "./load/stamp.ts";
import { joinAll } from "./load/subscriber.ts";
import type { Emit } from "./report.ts";
import { round } from "./stats.ts";
import { residentBytes } from "./targets/process.ts";
import type { Target } from "./targets/target.ts";

/** Until what the joins left behind is gone, as far as it goes. */
const REST_MS = 2000;

/**
 * Measures one target. Some subscribers come first, so that what all need together does not count; everybody has
 * received something, so that what a connection needs for that does.
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
