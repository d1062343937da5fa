// The cost of relaying: one room in one process, as one object and over several, by processor time.
import { BenchPublisher } from "../load/publisher.ts";
import type { Load } from "../load/pump.ts";
import { type Outcome, runRound, settle } from "../load/round.ts";
import type { BenchSubscriber } from "../load/subscriber.ts";
import type { Emit } from "../report.ts";
import { median, round } from "../stats.ts";
import type { RoomcastTarget } from "../targets/roomcast.ts";
import { fill, objectsOf, startSpread } from "./spread.ts";

/** One case. The rate keeps every object within its send budget; otherwise, growth would move subscribers. */
export interface ProcessorCase extends Load {
  readonly framesPerSecond: number;
  readonly subscribers: number;
  readonly relays: number;
  readonly rounds: number;
}

interface Room {
  readonly target: RoomcastTarget;
  readonly publisher: BenchPublisher;
  readonly subscribers: readonly BenchSubscriber[];
  readonly cpuPerGigabyte: number[];
}

/** Rounds alternate between both, so that other work on the machine affects both. */
export async function processor(one: ProcessorCase, emit: Emit): Promise<void> {
  const share = Math.ceil((one.subscribers / (one.relays + 1)) * 1.1);
  await using alone = await startSpread(one.subscribers + 1, 0);
  await using spread = await startSpread(share, one.relays);
  const rooms: Room[] = [];
  for (const target of [alone, spread]) {
    const publisher = await BenchPublisher.join(target, one.payloadBytes);
    const subscribers = await fill(target, publisher, one.payloadBytes, one.subscribers, Math.ceil(share / 8));
    rooms.push({ target, publisher, subscribers, cpuPerGigabyte: [] });
  }
  for (let turn = 0; turn <= one.rounds; turn++) {
    for (const { target, publisher, subscribers, cpuPerGigabyte } of rooms) {
      await settle(publisher, subscribers);
      const outcome = await runRound(target.pid, publisher, subscribers, one);
      // The first round is a warm-up and is not counted.
      if (turn === 0) continue;
      const figures = figuresOf(outcome, one);
      cpuPerGigabyte.push(figures.target_cpu_seconds_per_gb);
      const objects = objectsOf(subscribers);
      emit({ bench: "relays-processor", target: target.name, objects, ...paramsOf(one), round: turn, ...figures });
    }
  }
  const [first = [], second = []] = rooms.map(({ cpuPerGigabyte }) => cpuPerGigabyte);
  emit({
    ...{ bench: "relays-processor-ratios", ...paramsOf(one), rounds: one.rounds, relays: one.relays },
    one_object_cpu_seconds_per_gb: round(median(first)),
    with_relays_cpu_seconds_per_gb: round(median(second)),
    with_relays_over_one_object: round(median(second.map((value, index) => value / (first[index] ?? Number.NaN))), 3),
  });
  for (const { publisher, subscribers } of rooms) for (const each of [publisher, ...subscribers]) each.leave();
}

function figuresOf(
  { delivered, published, lost, told, seconds, targetCpuSeconds, generatorCpuSeconds }: Outcome,
  one: Load,
) {
  return {
    published_frames: published,
    delivered_frames: delivered,
    lost_frames: lost,
    told_missing_frames: told,
    target_cpu_seconds_per_gb: round(targetCpuSeconds / ((delivered * one.payloadBytes) / 1e9)),
    target_cpu_us_per_delivered_frame: round((targetCpuSeconds * 1e6) / delivered),
    target_cpu_share: round(targetCpuSeconds / seconds, 3),
    generator_cpu_share: round(generatorCpuSeconds / seconds, 3),
  };
}

function paramsOf({ subscribers, payloadBytes, framesPerSecond, seconds }: ProcessorCase) {
  return { subscribers, payload_bytes: payloadBytes, frames_per_second: framesPerSecond, seconds };
}
