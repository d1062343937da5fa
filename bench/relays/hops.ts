// The latency that a relay adds to a frame: subscribers at the origin, at its relay and below that relay, by one
// publisher's stamps.
import { Histogram } from "../../load/accounting/histogram.ts";
import { BenchPublisher } from "../load/publisher.ts";
import type { Load } from "../load/pump.ts";
import { runRound, settle } from "../load/round.ts";
import type { BenchSubscriber } from "../load/subscriber.ts";
import type { Emit } from "../report.ts";
import { median, round } from "../stats.ts";
import { type Depth, depthOf, fill, startSpread } from "./spread.ts";

/** One case. */
export interface HopsCase extends Load {
  readonly framesPerSecond: number;
  /** The number at the origin, at the relay, and below it, each. */
  readonly subscribers: number;
  readonly rounds: number;
}

const DEPTHS: readonly Depth[] = [0, 1, 2];
const PLACES = ["origin", "relay", "below"] as const;

/** All objects are in one process, so this measures their work, and no distance. */
export async function hops(one: HopsCase, emit: Emit): Promise<void> {
  await using target = await startSpread(one.subscribers, 8);
  const publisher = await BenchPublisher.join(target, one.payloadBytes);
  const all = await fill(target, publisher, one.payloadBytes, 4 * one.subscribers, 1);
  const groups = DEPTHS.map((depth) => all.filter((each) => depthOf(each) === depth).slice(0, one.subscribers));
  if (groups.some(({ length }) => length === 0)) throw new Error("no relay below a relay was opened");
  const samples = groups.map((): { p50: number[]; p99: number[] } => ({ p50: [], p99: [] }));
  for (let turn = 0; turn <= one.rounds; turn++) {
    await settle(publisher, all);
    const histograms = DEPTHS.map(() => new Histogram());
    const into = (each: BenchSubscriber) => histograms[depthOf(each)] ?? new Histogram();
    const { lost, told } = await runRound(target.pid, publisher, groups.flat(), one, { latencies: into });
    // The first round is a warm-up and is not counted.
    if (turn === 0) continue;
    const figures = histograms.map((histogram) => ({ p50: histogram.quantile(0.5), p99: histogram.quantile(0.99) }));
    for (const [depth, { p50, p99 }] of figures.entries()) {
      samples[depth]?.p50.push(p50);
      samples[depth]?.p99.push(p99);
    }
    emit({
      bench: "relays-latency",
      ...paramsOf(one),
      round: turn,
      lost_frames: lost,
      told_missing_frames: told,
      ...named(figures),
    });
  }
  const medians = samples.map(({ p50, p99 }) => ({ p50: median(p50), p99: median(p99) }));
  const added = (depth: 1 | 2, figure: "p50" | "p99") =>
    round((medians[depth]?.[figure] ?? Number.NaN) - (medians[depth - 1]?.[figure] ?? Number.NaN), 3);
  emit({
    ...{ bench: "relays-latency-medians", ...paramsOf(one), rounds: one.rounds, ...named(medians) },
    ...{ added_by_relay_p50_ms: added(1, "p50"), added_by_relay_p99_ms: added(1, "p99") },
    ...{ added_below_p50_ms: added(2, "p50"), added_below_p99_ms: added(2, "p99") },
  });
  for (const connection of [publisher, ...all]) connection.leave();
}

function named(figures: readonly { readonly p50: number; readonly p99: number }[]): Record<string, number> {
  return Object.fromEntries(
    figures.flatMap(({ p50, p99 }, depth) => [
      [`${PLACES[depth]}_p50_ms`, round(p50)],
      [`${PLACES[depth]}_p99_ms`, round(p99)],
    ]),
  );
}

function paramsOf({ subscribers, payloadBytes, framesPerSecond, seconds }: HopsCase) {
  return { subscribers_each: subscribers, payload_bytes: payloadBytes, frames_per_second: framesPerSecond, seconds };
}
