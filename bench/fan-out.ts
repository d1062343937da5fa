// Fan-out: the payload bytes per second that reach all subscribers together, for each target.
import { BenchPublisher } from "./load/publisher.ts";
import type { Load } from "./load/pump.ts";
import { type Outcome, runRound, settle } from "./load/round.ts";
import { type BenchSubscriber, joinAll } from "./load/subscriber.ts";
import type { Emit } from "./report.ts";
import { median, round } from "./stats.ts";
import type { Target } from "./targets/target.ts";

/** One case. */
export interface FanOutCase extends Load {
  readonly bench: string;
  readonly subscribers: number;
  readonly rounds: number;
}

/** The targets that the others are compared with. */
const BASES = ["loop", "partyserver"];

interface Room {
  readonly target: Target;
  readonly publisher: BenchPublisher;
  readonly subscribers: readonly BenchSubscriber[];
  readonly outcomes: Outcome[];
}

/** Rounds alternate between the targets, so that other work on the machine affects all of them. */
export async function fanOut(one: FanOutCase, targets: readonly Target[], emit: Emit): Promise<void> {
  const rooms: Room[] = [];
  for (const target of targets) {
    const subscribers = await joinAll(target, one.subscribers, one.payloadBytes);
    const publisher = await BenchPublisher.join(target, one.payloadBytes);
    rooms.push({ target, publisher, subscribers, outcomes: [] });
  }
  for (let turn = 0; turn <= one.rounds; turn++) {
    for (const { target, publisher, subscribers, outcomes } of rooms) {
      // The first round is a warm-up and is not counted.
      const load = turn === 0 ? { ...one, seconds: Math.min(0.5, one.seconds) } : one;
      await settle(publisher, subscribers);
      const outcome = await runRound(target.pid, publisher, subscribers, load);
      if (turn === 0) continue;
      outcomes.push(outcome);
      emit({ bench: one.bench, target: target.name, ...paramsOf(one), round: turn, ...figuresOf(outcome) });
    }
  }
  emit({ bench: `${one.bench}-ratios`, ...paramsOf(one), rounds: one.rounds, ...ratiosOf(rooms) });
  for (const { subscribers, publisher } of rooms)
    for (const connection of [...subscribers, publisher]) connection.leave();
}

function paramsOf({ subscribers, payloadBytes, windowBytes, framesPerSecond }: FanOutCase) {
  return {
    subscribers,
    payload_bytes: payloadBytes,
    window_bytes: windowBytes,
    ...(framesPerSecond !== undefined && { offered_frames_per_second: framesPerSecond }),
  };
}

function figuresOf(outcome: Outcome) {
  return {
    seconds: round(outcome.seconds),
    published_frames: outcome.published,
    delivered_frames: outcome.delivered,
    frames_per_message: round(outcome.delivered / outcome.messages, 3),
    lost_frames: outcome.lost,
    told_missing_frames: outcome.told,
    delivered_mb_per_second: round(outcome.deliveredBytesPerSecond / 1e6),
    target_cpu_seconds_per_gb: round(cpuPerGigabyte(outcome)),
    target_rss_peak_mib: round(outcome.peakBytes / 1024 ** 2),
    target_cpu_share: round(outcome.targetCpuSeconds / outcome.seconds, 3),
    generator_cpu_share: round(outcome.generatorCpuSeconds / outcome.seconds, 3),
  };
}

/** Processor time of the target, independent of other work on the machine. */
function cpuPerGigabyte(outcome: Outcome): number {
  return outcome.targetCpuSeconds / ((outcome.deliveredBytesPerSecond * outcome.seconds) / 1e9);
}

/** The medians, and the ratios of each target over `loop` and over `partyserver`, round by round. */
function ratiosOf(rooms: readonly Room[]): Record<string, number> {
  const figures: Record<string, number> = {};
  for (const { target, outcomes } of rooms) {
    figures[`${target.name}_mb_per_second`] = round(median(outcomes.map((one) => one.deliveredBytesPerSecond)) / 1e6);
    figures[`${target.name}_cpu_seconds_per_gb`] = round(median(outcomes.map(cpuPerGigabyte)));
    figures[`${target.name}_rss_peak_mib`] = round(Math.max(...outcomes.map(({ peakBytes }) => peakBytes)) / 1024 ** 2);
    for (const base of rooms) {
      if (base.target === target || !BASES.includes(base.target.name)) continue;
      const ratios = outcomes.map((outcome, index) => over(outcome, base.outcomes[index]));
      figures[`${target.name}_over_${base.target.name}`] = round(median(ratios), 3);
    }
  }
  return figures;
}

function over(outcome: Outcome, base: Outcome | undefined): number {
  return outcome.deliveredBytesPerSecond / (base?.deliveredBytesPerSecond ?? Number.NaN);
}
