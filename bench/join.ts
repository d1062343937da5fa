// Joins: the time and the target's processor time of a join, and, in a room with history, the time until the first
// frame.
import { BenchPublisher } from "./load/publisher.ts";
import { BenchSubscriber } from "./load/subscriber.ts";
import type { Emit } from "./report.ts";
import { quantile, round } from "./stats.ts";
import { cpuSeconds } from "./targets/process.ts";
import type { Target } from "./targets/target.ts";

const GROUP_FRAMES = 30;

/** One case: the number of joins, and the number at the same time. */
export interface JoinCase {
  readonly joins: number;
  readonly concurrent: number;
  /** Bytes of the frames of the current group. */
  readonly payloadBytes: number;
}

/** Measures one target: while the room is empty, then with a group in history (if the target has history). */
export async function join(one: JoinCase, target: Target, emit: Emit): Promise<void> {
  emit({ bench: "join", target: target.name, history_frames: 0, ...(await measureJoins(one, target, 0)) });
  if (!target.isRoomcast) return;
  const publisher = await BenchPublisher.join(target, one.payloadBytes);
  for (let frame = 0; frame < GROUP_FRAMES; frame++) publisher.publish(1);
  const first = await BenchSubscriber.join(target, one.payloadBytes);
  await received(first, GROUP_FRAMES);
  first.leave();
  const figures = await measureJoins(one, target, GROUP_FRAMES);
  publisher.leave();
  emit({
    bench: "join",
    target: target.name,
    history_frames: GROUP_FRAMES,
    payload_bytes: one.payloadBytes,
    ...figures,
  });
}

/** The figures of a run of joins. */
export type JoinFigures = Awaited<ReturnType<typeof measureJoins>>;

/** Joins, each until it has `frames` frames. All leave when the last one has them. */
export async function measureJoins({ joins, concurrent, payloadBytes }: JoinCase, target: Target, frames: number) {
  const [opened, complete]: [number[], number[]] = [[], []];
  const all: BenchSubscriber[] = [];
  const cpu = cpuSeconds(target.pid);
  const startedAt = performance.now();
  let begun = 0;
  const work = async (): Promise<void> => {
    while (begun++ < joins) {
      const at = performance.now();
      const subscriber = await BenchSubscriber.join(target, payloadBytes);
      opened.push(performance.now() - at);
      all.push(subscriber);
      await received(subscriber, frames);
      complete.push(performance.now() - at);
    }
  };
  await Promise.all(Array.from({ length: concurrent }, work));
  const seconds = (performance.now() - startedAt) / 1000;
  for (const subscriber of all) subscriber.leave();
  return {
    joins: all.length,
    concurrent,
    open_p50_ms: round(quantile(opened, 0.5)),
    open_p99_ms: round(quantile(opened, 0.99)),
    ...(frames > 0 && { group_received_p50_ms: round(quantile(complete, 0.5)) }),
    joins_per_second: round(all.length / seconds),
    target_cpu_ms_per_join: round(((cpuSeconds(target.pid) - cpu) * 1000) / all.length, 3),
  };
}

function received(subscriber: BenchSubscriber, frames: number): Promise<void> {
  if (subscriber.ledger.frames >= frames) return Promise.resolve();
  return new Promise((resolve) => {
    subscriber.onProgress = () => {
      if (subscriber.ledger.frames >= frames) resolve();
    };
  });
}
