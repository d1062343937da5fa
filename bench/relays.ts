// A room over many objects: the work of its origin, the latency of a hop, the cost of relaying, and the cost of a join.

import { hops } from "./relays/hops.ts";
import { placedJoins, smallJoins } from "./relays/joins.ts";
import { origin } from "./relays/origin.ts";
import { processor } from "./relays/processor.ts";
import type { Emit } from "./report.ts";

/** The size of the benchmark. */
export interface RelaysCase {
  readonly rounds: number;
  /** Seconds of a round. */
  readonly seconds: number;
  /** Another build of the Worker to compare upgrades with; undefined: none. */
  readonly against: string | undefined;
  /** Undefined: all. */
  readonly kinds: readonly string[] | undefined;
}

const KIB = 1024;
/** Subscribers of the origin itself, its links, and subscribers at relays. */
const ORIGINS = [
  [100, 0, 0],
  [1000, 0, 0],
  [0, 1, 0],
  [0, 8, 0],
  [0, 32, 0],
  [0, 8, 10_000],
  [0, 8, 100_000],
  [0, 8, 1_000_000],
] as const;

const KINDS: Readonly<Record<string, (one: RelaysCase, emit: Emit) => void | Promise<void>>> = {
  origin({ rounds }, emit) {
    for (const [subscribers, links, atRelays] of ORIGINS) {
      origin({ subscribers, links, atRelays, payloadBytes: KIB, seconds: 100, rounds }, emit);
    }
  },
  latency({ rounds, seconds }, emit) {
    const pace = { windowBytes: 8 * KIB * KIB, framesPerSecond: 30, seconds: 3 * seconds };
    return hops({ ...pace, subscribers: 10, payloadBytes: 16 * KIB, rounds }, emit);
  },
  async processor({ rounds, seconds }, emit) {
    for (const payloadBytes of [256, 16 * KIB]) {
      const pace = { windowBytes: 8 * KIB * KIB, framesPerSecond: 20, seconds: 3 * seconds };
      await processor({ ...pace, subscribers: 500, relays: 4, payloadBytes, rounds }, emit);
    }
  },
  joins: ({ rounds }, emit) => placedJoins({ joins: 200, concurrent: 10, rounds }, emit),
  upgrades: ({ rounds, against }, emit) => smallJoins({ joins: 200, concurrent: 10, rounds }, against, emit),
};

/** Runs the chosen kinds. Throws if one does not exist. */
export async function relays(one: RelaysCase, emit: Emit): Promise<void> {
  for (const name of one.kinds ?? Object.keys(KINDS)) {
    const run = KINDS[name];
    if (run === undefined) throw new Error(`the kinds are ${Object.keys(KINDS).join(", ")}`);
    await run(one, emit);
  }
}
