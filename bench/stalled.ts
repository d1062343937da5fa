// Memory with stalled subscribers: some read nothing while the others receive a stream.
import { BenchPublisher } from "./load/publisher.ts";
import type { Load } from "./load/pump.ts";
import { runRound } from "./load/round.ts";
import { joinAll } from "./load/subscriber.ts";
import type { Emit } from "./report.ts";
import { round } from "./stats.ts";
import { residentBytes } from "./targets/process.ts";
import type { Target } from "./targets/target.ts";

const MIB = 1024 * 1024;

/** One case. */
export interface StalledCase extends Load {
  readonly healthy: number;
  readonly stalled: number;
}

/** Measures one target. */
export async function stalled(one: StalledCase, target: Target, emit: Emit): Promise<void> {
  const healthy = await joinAll(target, one.healthy, one.payloadBytes);
  const stuck = await joinAll(target, one.stalled, one.payloadBytes);
  for (const subscriber of stuck) subscriber.stall();
  const publisher = await BenchPublisher.join(target, one.payloadBytes);
  const before = residentBytes(target.pid);
  const outcome = await runRound(target.pid, publisher, healthy, one);
  emit({
    bench: "stalled",
    target: target.name,
    healthy: one.healthy,
    stalled: one.stalled,
    payload_bytes: one.payloadBytes,
    published_mib: round((outcome.published * one.payloadBytes) / MIB),
    seconds: round(outcome.seconds),
    lost_frames: outcome.lost,
    told_missing_frames: outcome.told,
    rss_before_mib: round(before / MIB),
    rss_peak_mib: round(outcome.peakBytes / MIB),
    rss_growth_mib: round((outcome.peakBytes - before) / MIB),
  });
  for (const connection of [publisher, ...healthy, ...stuck]) connection.leave();
}
