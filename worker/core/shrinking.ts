// Decides when a room needs fewer relays: which of them drain, and which are empty and close.
import { DRAIN_EVERY_MS, DRAIN_PART, FEW_SUBSCRIBERS, LOW_MS, LOW_SHARE, PACKED_SHARE } from "./growth-limits.ts";
import type { GrowthState } from "./growth-state.ts";
import { nearestTo, REGIONS, type Region } from "./region.ts";
import type { RelayNode } from "./relay-tree.ts";

/** Remembers since when each region has had more relays than it needs. Times are ms since 1970. */
export class Shrinking {
  readonly #lowSince = new Map<Region, number>();

  /** The relays that should drain now, those with the highest index first. */
  drains(state: GrowthState, now: number): RelayNode[] {
    return REGIONS.flatMap((region) => {
      const nodes = state.tree.of(region).filter((one) => !one.draining);
      const excess = nodes.length === 0 ? 0 : nodes.length - needed(state, now, region, nodes);
      if (excess <= 0) {
        this.#lowSince.delete(region);
        return [];
      }
      const since = this.#lowSince.get(region) ?? now;
      const { leaves, moved } = now - since < LOW_MS ? NONE : leavesOf(nodes, excess, now);
      // The next relays drain when the subscribers that move now have been counted.
      this.#lowSince.set(region, moved ? now - LOW_MS + DRAIN_EVERY_MS : since);
      return leaves;
    });
  }

  /** A relay was opened there: the region has not been low since then. */
  opened({ region }: RelayNode): void {
    this.#lowSince.delete(region);
  }

  /** When the next relay may drain; undefined: there is no excess. */
  get dueAt(): number | undefined {
    let first: number | undefined;
    for (const since of this.#lowSince.values()) first = Math.min(first ?? Number.POSITIVE_INFINITY, since + LOW_MS);
    return first;
  }
}

/** Empty draining relays. Only the last one of a region may close, so that every parent stays. */
export function emptyRelays(state: GrowthState, now: number): RelayNode[] {
  return REGIONS.flatMap((region) => {
    const empty: RelayNode[] = [];
    for (const node of [...state.tree.of(region)].reverse()) {
      if (!node.draining || !isEmpty(node, now)) break;
      empty.push(node);
    }
    return empty;
  });
}

/** It reports so over its link, or has been unreachable for so long that it has sent its subscribers away. */
function isEmpty(node: RelayNode, now: number): boolean {
  if (node.isGone(now)) return true;
  return node.link === "up" && now >= node.drainedAt && node.reportedAt !== undefined && node.load.subscribers === 0;
}

/** The number of these relays that the region's subscribers need. */
function needed(state: GrowthState, now: number, region: Region, nodes: readonly RelayNode[]): number {
  let subscribers = 0;
  for (const node of state.tree.of(region)) subscribers += node.expected(now);
  if (nodes.some((one) => one.isBusy(now))) return nodes.length;
  if (subscribers >= LOW_SHARE * nodes.length * state.meant) return nodes.length;
  const packed = Math.ceil(subscribers / (PACKED_SHARE * state.meant));
  return packed <= 1 && !canLeave(state, now, region, subscribers)
    ? 1
    : Math.min(packed <= 1 ? 0 : packed, nodes.length);
}

/**
 * True if the region's last relay may close: its subscribers are few and a neighbour has space, or the origin can serve
 * the whole room.
 */
function canLeave(state: GrowthState, now: number, region: Region, subscribers: number): boolean {
  const total = state.subscribers(now);
  if (total <= LOW_SHARE * state.ownRoom) return true;
  if (subscribers > LOW_SHARE * FEW_SUBSCRIBERS || state.askedInMinute(now, region) >= FEW_SUBSCRIBERS) return false;
  return nearestTo(region).some((other) => other !== region && roomIn(state, now, other) > subscribers);
}

function roomIn(state: GrowthState, now: number, region: Region): number {
  let room = 0;
  for (const node of state.tree.of(region)) if (node.takes) room += state.free(now, node);
  return room;
}

/** Relays that should drain, and whether subscribers move because of it. */
interface Leaves {
  readonly leaves: RelayNode[];
  readonly moved: boolean;
}

const NONE: Leaves = { leaves: [], moved: false };

/**
 * At most `excess` relays without children, from the region's last one down: a few with subscribers, or all without
 * any.
 */
function leavesOf(nodes: readonly RelayNode[], excess: number, now: number): Leaves {
  const leaves: RelayNode[] = [];
  let left = Math.max(1, Math.floor(nodes.length / DRAIN_PART));
  let moved = false;
  for (const node of [...nodes].reverse()) {
    const serves = node.expected(now) > 0;
    if (leaves.length === excess || node.children > 0 || (serves && left === 0)) break;
    if (serves) left--;
    moved ||= serves;
    leaves.push(node);
  }
  return { leaves, moved };
}
