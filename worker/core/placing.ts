// Chooses the objects for a region's newcomers: the origin's answer, from its knowledge of its relays.
import {
  ASKS_PER_SECOND,
  DECIDE_EVERY_MS,
  FRESH_MS,
  HOLD_MS,
  MAX_FRESH_MS,
  MAX_PLACED,
  STORM_FRESH_MS,
} from "./growth-limits.ts";
import type { GrowthState } from "./growth-state.ts";
import type { Placed, Placement } from "./placement.ts";
import { nearestTo, type Region } from "./region.ts";
import type { RelayNode } from "./relay-tree.ts";

/** A relay with the number of newcomers that it may take. */
interface Candidate {
  readonly node: RelayNode;
  readonly weight: number;
}

/** The candidates of a region, computed at most once per decision: a storm asks a thousand times a second. */
interface List {
  readonly until: number;
  readonly generation: number;
  readonly candidates: readonly Candidate[];
}

/** Answers questions for a place. Times are ms since 1970. */
export class Placing {
  readonly #lists = new Map<Region, List>();
  /** The beginning of the next answer in a list that is too long for one, so that every relay gets its turn. */
  #turn = 0;

  /** A relay is fuller than expected. */
  forget(): void {
    this.#lists.clear();
  }

  /** undefined: no relay can take a newcomer now. */
  place(state: GrowthState, now: number, region: Region, generation: number): Placement | undefined {
    const known = this.#lists.get(region);
    const isFresh = known !== undefined && known.until > now && known.generation === generation;
    const list = isFresh ? known : this.#list(state, now, region, generation);
    if (list.candidates.length === 0) return undefined;
    const relays = this.#some(list.candidates).map(({ node, weight }): Placed => {
      const load = Math.round(100 * state.loadOf(now, node)) / 100;
      return { id: node.id, weight, load };
    });
    const isStorm = state.stormMs(now, region) > STORM_FRESH_MS && state.ahead(now, region, [region]) > state.meant / 8;
    return { generation, relays, freshMs: longer(state, now, isStorm ? STORM_FRESH_MS : FRESH_MS) };
  }

  #list(state: GrowthState, now: number, region: Region, generation: number): List {
    const candidates = candidatesOf(state, now, region);
    const list = { until: now + DECIDE_EVERY_MS, generation, candidates };
    this.#lists.set(region, list);
    return list;
  }

  #some(candidates: readonly Candidate[]): readonly Candidate[] {
    if (candidates.length <= MAX_PLACED) return candidates;
    const begin = this.#turn % candidates.length;
    this.#turn = begin + MAX_PLACED;
    const some = candidates.slice(begin, begin + MAX_PLACED);
    return [...some, ...candidates.slice(0, MAX_PLACED - some.length)];
  }
}

/** An answer that makes newcomers wait: there is no space, and further relays are starting. */
export function hold(generation: number): Placement {
  return { generation, relays: [], freshMs: HOLD_MS };
}

/**
 * The more questions, the longer an answer is used. The factor is squared: eight times the isolates ask twice as often.
 */
function longer(state: GrowthState, now: number, ms: number): number {
  const times = Math.max(1, state.asks.rate(now) / ASKS_PER_SECOND) ** 2;
  return Math.round(Math.min(MAX_FRESH_MS, ms * times));
}

/**
 * The relays of the region. If they have too little space for the expected newcomers, also those of its neighbours. If
 * no relay is below its target, those that are not full.
 */
function candidatesOf(state: GrowthState, now: number, region: Region): Candidate[] {
  const wanted = Math.max(1, (state.ahead(now, region, [region]) * STORM_FRESH_MS) / FRESH_MS);
  const meant = gather(state, region, wanted, (node) => (node.isFull(now) ? 0 : state.free(now, node)));
  if (meant.room >= wanted) return meant.candidates;
  const most = gather(state, region, wanted, (node) => state.spare(now, node));
  return most.candidates;
}

function gather(
  state: GrowthState,
  region: Region,
  wanted: number,
  roomOf: (node: RelayNode) => number,
): { candidates: Candidate[]; room: number } {
  const candidates: Candidate[] = [];
  let room = 0;
  for (const near of nearestTo(region)) {
    if (room >= wanted) break;
    for (const node of state.tree.of(near)) {
      const weight = node.takes ? Math.floor(roomOf(node)) : 0;
      if (weight < 1) continue;
      candidates.push({ node, weight });
      room += weight;
    }
  }
  return { candidates, room };
}
