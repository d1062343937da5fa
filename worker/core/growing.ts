// Decides when a room needs more relays, where, and how many at once.
import { FEW_SUBSCRIBERS, OPEN_AT_LEAST } from "./growth-limits.ts";
import type { GrowthState } from "./growth-state.ts";
import { REGIONS, type Region } from "./region.ts";
import type { RelayNode } from "./relay-tree.ts";

/** Clients that reconnect after a restart arrive within half a second (rule R2); a storm lasts longer. */
const STORM_MS = 1000;

/** The number of relays that a region needs now. */
interface Want {
  readonly region: Region;
  readonly count: number;
}

/** The regions in which to open a relay, in this order; a region may occur several times. */
export function wantedRegions(state: GrowthState, now: number): Region[] {
  const hasRelays = REGIONS.some((region) => state.isServing(now, region));
  return inTurn(hasRelays ? wantsOfTree(state, now) : firstWants(state, now));
}

/**
 * The room's own object serves everybody. If it must share, the first relay opens in the region with most of its
 * subscribers.
 */
function firstWants(state: GrowthState, now: number): Want[] {
  if (!mustShare(state, now)) return [];
  const [first, ...others] = REGIONS.filter((region) => isVacant(state, region)).sort(
    (one, other) => state.interest(now, other) - state.interest(now, one),
  );
  if (first === undefined) return [];
  const worth = others.filter((region) => state.askedInMinute(now, region) >= FEW_SUBSCRIBERS);
  return [first, ...worth].map((region) => ({ region, count: lacking(state, now, region, [region], 1) }));
}

/** True if it is busy, or half full in a storm that fills it. A room below half never opens a relay. */
function mustShare(state: GrowthState, now: number): boolean {
  const { ownBusyAt, ownExpected, ownRoom } = state;
  if (ownExpected >= ownRoom || (ownBusyAt !== undefined && now >= ownBusyAt)) return true;
  if (2 * ownExpected < ownRoom || REGIONS.every((region) => state.stormMs(now, region) < STORM_MS)) return false;
  return ownExpected + REGIONS.reduce((sum, region) => sum + state.ahead(now, region, [region]), 0) >= ownRoom;
}

/**
 * The needs of each region: a first relay of its own, or space for newcomers that arrive while further relays start.
 */
function wantsOfTree(state: GrowthState, now: number): Want[] {
  const served = new Map<Region | undefined, Region[]>();
  for (const region of REGIONS) {
    const server = state.serverOf(now, region);
    served.set(server, [...(served.get(server) ?? []), region]);
  }
  return REGIONS.flatMap((region) => {
    const isWorth = isVacant(state, region) && state.askedInMinute(now, region) >= FEW_SUBSCRIBERS;
    if (isWorth) return [{ region, count: lacking(state, now, region, [region], 1) }];
    const those = served.get(region);
    return those === undefined ? [] : [{ region, count: lacking(state, now, region, those, 0) }];
  });
}

/**
 * True if the region has no relay, or only draining ones. A region whose relays are lost is unreachable and gets no
 * further ones.
 */
function isVacant(state: GrowthState, region: Region): boolean {
  return state.home(region) === region && state.tree.of(region).every((one) => one.draining);
}

/** At least `least`, and one if all relays of the region are busy; at most as many as there are, or a few. */
function lacking(state: GrowthState, now: number, region: Region, served: readonly Region[], least: number): number {
  const nodes = state.tree.of(region);
  const usable = nodes.filter((node) => node.takes || node.isComing(now));
  const sum = (those: readonly RelayNode[]) => those.reduce((free, node) => free + state.free(now, node), 0);
  const wanted = Math.ceil((state.ahead(now, region, served) - sum(usable)) / state.meant);
  // A relay that refused a newcomer may have had a burst of the source: that alone is no reason for many relays.
  const isLacking = sum(usable.filter((node) => !node.isFull(now))) < 1;
  return Math.min(Math.max(least, isLacking ? 1 : 0, wanted), Math.max(OPEN_AT_LEAST, nodes.length));
}

/** One for each region in turn: if there are too few for all, no region gets all of them. */
function inTurn(wants: readonly Want[]): Region[] {
  const rounds = Math.max(0, ...wants.map(({ count }) => count));
  const inRound = (round: number) => wants.filter(({ count }) => count > round).map(({ region }) => region);
  return Array.from({ length: rounds }, (_, round) => inRound(round)).flat();
}
