// The relays that may take a newcomer, as the room's own object tells the Worker, and the Worker's choice among them.

/** One relay of a placement. */
export interface Placed {
  readonly id: string;
  /** The number of newcomers that it may take before the next report. It is chosen in this proportion. */
  readonly weight: number;
  /** Its load, 0 to 1, as a part of its target; above 1 if no relay has less. */
  readonly load: number;
}

/**
 * The origin's answer for one region. The Worker uses it for `freshMs`. Then it asks again, once for all waiting
 * newcomers, and reports the number of newcomers since its last question. Without relays, there is no space yet, and
 * newcomers wait for `freshMs`.
 */
export interface Placement {
  /** Increases whenever relays come or go, also across restarts. */
  readonly generation: number;
  readonly relays: readonly Placed[];
  readonly freshMs: number;
}

/**
 * Chooses two by weight and takes the less loaded one; undefined: there is none. `random` returns numbers in [0, 1).
 */
export function choose({ relays }: Placement, random: () => number): string | undefined {
  const total = relays.reduce((sum, { weight }) => sum + weight, 0);
  const one = at(relays, random() * total);
  const other = at(relays, random() * total);
  if (one === undefined || other === undefined) return undefined;
  return other.load < one.load ? other.id : one.id;
}

/** The placement without a relay that refused a newcomer: the next choice needs no question, until none is left. */
export function without(placement: Placement, id: string): Placement {
  return { ...placement, relays: placement.relays.filter((one) => one.id !== id) };
}

/** The relay at `mark` if all weights are lined up. */
function at(relays: readonly Placed[], mark: number): Placed | undefined {
  let left = mark;
  for (const relay of relays) {
    left -= relay.weight;
    if (left < 0) return relay;
  }
  return relays.at(-1);
}
