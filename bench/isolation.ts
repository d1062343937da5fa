// Isolation: the effect of subscribers that read nothing on the healthy subscribers of a room.
import { BenchPublisher } from "./load/publisher.ts";
import type { Load } from "./load/pump.ts";
import { type Outcome, runRound, settle } from "./load/round.ts";
import { type BenchSubscriber, joinAll } from "./load/subscriber.ts";
import type { Emit } from "./report.ts";
import { median, round } from "./stats.ts";
import type { Target } from "./targets/target.ts";

/** One case: a full load for throughput, then `framesPerSecond` for latency. */
export interface IsolationCase extends Load {
  readonly framesPerSecond: number;
  readonly healthy: number;
  readonly stalled: number;
  readonly rounds: number;
}

interface Figures {
  readonly rate: number;
  readonly p99: number;
}

/** Rounds without and with stalled subscribers alternate. */
export async function isolation(one: IsolationCase, target: Target, emit: Emit): Promise<void> {
  const healthy = await joinAll(target, one.healthy, one.payloadBytes);
  const publisher = await BenchPublisher.join(target, one.payloadBytes);
  const ratios: { readonly rate: number; readonly p99: number }[] = [];
  for (let turn = 1; turn <= one.rounds; turn++) {
    const without = await measure(one, target, publisher, healthy, 0, turn, emit);
    const stuck = await joinAll(target, one.stalled, one.payloadBytes);
    for (const subscriber of stuck) subscriber.stall();
    const beside = await measure(one, target, publisher, healthy, one.stalled, turn, emit);
    for (const subscriber of stuck) subscriber.leave();
    ratios.push({ rate: beside.rate / without.rate, p99: beside.p99 / without.p99 });
  }
  emit({
    bench: "isolation-ratios",
    target: target.name,
    healthy: one.healthy,
    stalled: one.stalled,
    payload_bytes: one.payloadBytes,
    rounds: one.rounds,
    throughput_with_over_without: round(median(ratios.map(({ rate }) => rate)), 3),
    p99_with_over_without: round(median(ratios.map(({ p99 }) => p99)), 3),
  });
  for (const connection of [publisher, ...healthy]) connection.leave();
}

async function measure(
  one: IsolationCase,
  target: Target,
  publisher: BenchPublisher,
  healthy: readonly BenchSubscriber[],
  stalled: number,
  turn: number,
  emit: Emit,
): Promise<Figures> {
  const { framesPerSecond, ...full } = one;
  await settle(publisher, healthy);
  // Fills all buffers on the way to stalled subscribers; not counted.
  await runRound(target.pid, publisher, healthy, full);
  const fast = await runRound(target.pid, publisher, healthy, full);
  const paced = await runRound(target.pid, publisher, healthy, { ...full, framesPerSecond }, { latencies: true });
  const p99 = paced.latencies.quantile(0.99);
  emit({
    bench: "isolation",
    target: target.name,
    healthy: one.healthy,
    stalled,
    payload_bytes: one.payloadBytes,
    round: turn,
    lost_frames: fast.lost + paced.lost,
    told_missing_frames: fast.told + paced.told,
    delivered_mb_per_second: round(fast.deliveredBytesPerSecond / 1e6),
    target_cpu_seconds_per_gb: round(cpuPerGigabyte(fast)),
    frames_per_second: framesPerSecond,
    p50_ms: round(paced.latencies.quantile(0.5)),
    p99_ms: round(p99),
  });
  return { rate: fast.deliveredBytesPerSecond, p99 };
}

function cpuPerGigabyte(outcome: Outcome): number {
  return outcome.targetCpuSeconds / ((outcome.deliveredBytesPerSecond * outcome.seconds) / 1e9);
}
