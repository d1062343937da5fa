// Joins of a large room, whose serving relay the Worker knows, next to joins of a room that serves them itself; and of
// a small room, now and before.
import { type JoinFigures, measureJoins } from "../join.ts";
import { BenchPublisher } from "../load/publisher.ts";
import type { Emit } from "../report.ts";
import { median, round } from "../stats.ts";
import { startRoomcast } from "../targets/roomcast.ts";
import type { Target } from "../targets/target.ts";
import { fill, startSpread } from "./spread.ts";

/** The joins of a round, and the number at the same time. */
export interface JoinsCase {
  readonly joins: number;
  readonly concurrent: number;
  readonly rounds: number;
}

const PAYLOAD_BYTES = 1024;

/**
 * Both rooms have the same number of subscribers before. In one of them, they fill the room's own object, so all others
 * go to its relays.
 */
export async function placedJoins(one: JoinsCase, emit: Emit): Promise<void> {
  const before = 2 * one.joins;
  await using direct = await startSpread(10 * one.joins, 0);
  await using placed = await startSpread(before, 1);
  for (const target of [direct, placed]) {
    const publisher = await BenchPublisher.join(target, PAYLOAD_BYTES);
    await fill(target, publisher, PAYLOAD_BYTES, before + 1);
  }
  await compare("relays-joins", [direct, placed], one, emit);
}

/** A small room: this build, and the build `against`. Without it, there is nothing to compare with. */
export async function smallJoins(one: JoinsCase, against: string | undefined, emit: Emit): Promise<void> {
  if (against === undefined) return;
  await using before = await startRoomcast("framed", against);
  await using now = await startRoomcast("framed", undefined, {}, { MAX_RELAYS: "" });
  await compare("relays-upgrades", [before, now], one, emit);
}

/** Rounds alternate; ratios are of the second target over the first. */
async function compare(bench: string, targets: readonly [Target, Target], one: JoinsCase, emit: Emit): Promise<void> {
  const rounds: JoinFigures[][] = targets.map(() => []);
  for (let turn = 0; turn <= one.rounds; turn++) {
    for (const [index, target] of targets.entries()) {
      const figures = await measureJoins({ ...one, payloadBytes: PAYLOAD_BYTES }, target, 0);
      // The first round is a warm-up and is not counted.
      if (turn === 0) continue;
      rounds[index]?.push(figures);
      emit({ bench, target: target.name, round: turn, ...figures });
    }
  }
  const [first = [], second = []] = rounds;
  const ratio = (figure: "target_cpu_ms_per_join" | "open_p50_ms") =>
    round(median(second.map((figures, index) => figures[figure] / (first[index]?.[figure] ?? Number.NaN))), 3);
  emit({
    bench: `${bench}-ratios`,
    ...one,
    [`${targets[0].name}_cpu_ms_per_join`]: round(median(first.map((figures) => figures.target_cpu_ms_per_join))),
    [`${targets[1].name}_cpu_ms_per_join`]: round(median(second.map((figures) => figures.target_cpu_ms_per_join))),
    cpu_ratio: ratio("target_cpu_ms_per_join"),
    open_p50_ratio: ratio("open_p50_ms"),
  });
}
