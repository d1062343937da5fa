// The relays of a room as a tree, and the origin's knowledge of each: its link, its load, and the newcomers on their
// way to it.
import {
  BUSY_MS,
  BUSY_SHARE,
  DRAINED_MS,
  type GrowthLimits,
  isOver,
  LOST_MS,
  type Load,
  MAX_LINKS,
  OPENING_MS,
} from "./growth-limits.ts";
import type { Region } from "./region.ts";
import { parentIndex, parseRelayId, relayId } from "./relay-id.ts";

/** The stored state of a relay. `openedAt`: ms since 1970. */
export interface RelayRow {
  readonly id: string;
  readonly openedAt: number;
  readonly draining: boolean;
}

/** `opening`: never up since the row was written or the room came back; `lagging`: its link skips. */
export type LinkState = "opening" | "up" | "parked" | "lost" | "lagging";

/** The load of an object without subscribers. */
export const NO_LOAD: Load = { subscribers: 0, sendsPerSecond: 0, queuedBytes: 0 };

/** A relay that accepts newcomers reports every second. A longer silence means that nothing changes. */
const SILENCE_MS = 2500;

/** One relay. Times are ms since 1970. */
export class RelayNode {
  readonly id: string;
  readonly region: Region;
  readonly index: number;
  readonly openedAt: number;
  /** Since when it drains; undefined: it does not. */
  #drainingSince: number | undefined;
  link: LinkState = "opening";
  linkSince: number;
  load: Load = NO_LOAD;
  /** undefined: it has not reported since the room is in memory. */
  reportedAt: number | undefined;
  /** Links that it feeds, including those of draining relays. */
  children = 0;
  parent: RelayNode | undefined;
  #perMs = 0;
  #overSince: number | undefined;
  #coming = 0;
  #comingAt = 0;
  /** When it refused a newcomer, since its last report. */
  #refusedAt = Number.NEGATIVE_INFINITY;

  constructor(row: RelayRow, region: Region, index: number, now: number) {
    this.id = row.id;
    this.region = region;
    this.index = index;
    this.openedAt = row.openedAt;
    this.#drainingSince = row.draining ? now : undefined;
    this.linkSince = now;
  }

  get row(): RelayRow {
    return { id: this.id, openedAt: this.openedAt, draining: this.draining };
  }

  get draining(): boolean {
    return this.#drainingSince !== undefined;
  }

  /** Starts or ends draining. A draining relay accepts no newcomers. */
  drain(now: number, drains: boolean): void {
    this.#drainingSince = drains ? now : undefined;
  }

  /**
   * From this time on, a report of no subscribers is final: the relay knows that it drains, and its reports include all
   * subscribers that it took before.
   */
  get drainedAt(): number {
    return (this.#drainingSince ?? Number.POSITIVE_INFINITY) + DRAINED_MS;
  }

  /** Takes its report. Returns the number of newcomers since the previous one. */
  report(now: number, load: Load, limits: GrowthLimits): number {
    const more = Math.max(0, load.subscribers - this.load.subscribers);
    const passed = Math.max(1, now - (this.reportedAt ?? now - 1000));
    this.#perMs = passed <= SILENCE_MS ? more / passed : 0;
    this.#overSince = isOver(limits, BUSY_SHARE, load) ? (this.#overSince ?? now) : undefined;
    this.#coming = 0;
    this.#refusedAt = Number.NEGATIVE_INFINITY;
    this.load = load;
    this.reportedAt = now;
    return more;
  }

  linked(now: number, link: LinkState): void {
    if (this.link === link) return;
    this.link = link;
    this.linkSince = now;
  }

  /** A Worker reported that it sent this number of newcomers. */
  send(now: number, count: number): void {
    this.#coming += count;
    this.#comingAt = now;
  }

  /** It refused a newcomer: it counts as full until its next report. */
  refused(now: number): void {
    this.#refusedAt = now;
  }

  /** True if it has refused a newcomer since its last report. */
  isFull(now: number): boolean {
    return now - this.#refusedAt <= SILENCE_MS;
  }

  /** Its expected number of subscribers: the last report and the newcomers since. */
  expected(now: number): number {
    if (this.isGone(now)) return 0;
    const age = now - (this.reportedAt ?? this.linkSince);
    // A newcomer to a relay with an open link soon appears in a report. A parked relay sends none.
    const coming = this.link === "up" && now - this.#comingAt > SILENCE_MS ? 0 : this.#coming;
    return this.load.subscribers + Math.max(coming, age <= SILENCE_MS ? this.#perMs * age : 0);
  }

  /** It has had no link for so long that its subscribers were sent away. */
  isGone(now: number): boolean {
    return (this.link === "lost" || this.link === "opening") && now - this.linkSince >= LOST_MS;
  }

  /** True if it has been over its share for long enough to matter. */
  isBusy(now: number): boolean {
    return this.#overSince !== undefined && now - this.#overSince >= BUSY_MS;
  }

  get busyAt(): number | undefined {
    return this.#overSince === undefined ? undefined : this.#overSince + BUSY_MS;
  }

  /** True if frames reach it, or would if there were any: all links up to the origin are up. */
  get isFed(): boolean {
    const own = this.link !== "lost" && this.link !== "opening";
    return own && (this.parent === undefined || this.parent.isFed);
  }

  isBelow(node: RelayNode): boolean {
    return this.parent !== undefined && (this.parent === node || this.parent.isBelow(node));
  }

  /** True if newcomers may be sent to it, if it has space. */
  get takes(): boolean {
    return !this.draining && this.link !== "lagging" && this.isFed;
  }

  /** True if it will probably accept newcomers in a moment. */
  isComing(now: number): boolean {
    return !this.draining && this.link === "opening" && now - this.linkSince < OPENING_MS;
  }
}

/** All relays of a room. The indices of a region have no holes, so every parent exists. */
export class RelayTree {
  readonly #room: string;
  readonly #byId = new Map<string, RelayNode>();
  readonly #byRegion = new Map<Region, RelayNode[]>();

  /** Rows of other rooms and rows without a parent are ignored: an object that cannot be reached serves nobody. */
  constructor(room: string, rows: readonly RelayRow[], now: number) {
    this.#room = room;
    const named = rows.flatMap((row) => {
      const name = parseRelayId(row.id);
      return name?.room === room ? [{ row, ...name }] : [];
    });
    for (const { row, region, index } of named.sort((a, b) => a.index - b.index)) {
      if (index === this.of(region).length) this.#add(new RelayNode(row, region, index, now));
    }
  }

  get size(): number {
    return this.#byId.size;
  }

  get(id: string): RelayNode | undefined {
    return this.#byId.get(id);
  }

  [Symbol.iterator](): Iterator<RelayNode> {
    return this.#byId.values();
  }

  /** The relays of a region by index. */
  of(region: Region): readonly RelayNode[] {
    return this.#byRegion.get(region) ?? [];
  }

  /** All relays whose frames pass through `node`. */
  below(node: RelayNode): RelayNode[] {
    return node.children === 0 ? [] : this.of(node.region).filter((one) => one.isBelow(node));
  }

  /** Opens the region's next relay: the first draining one, or else a new one. */
  open(now: number, region: Region): RelayNode {
    const draining = this.of(region).find((one) => one.draining);
    if (draining !== undefined) {
      draining.drain(now, false);
      return draining;
    }
    const index = this.of(region).length;
    const id = relayId({ room: this.#room, region, index });
    return this.#add(new RelayNode({ id, openedAt: now, draining: false }, region, index, now));
  }

  /** Removes the region's last relay. */
  close({ region }: RelayNode): void {
    const node = this.#byRegion.get(region)?.pop();
    if (node === undefined) return;
    this.#byId.delete(node.id);
    if (node.parent !== undefined) node.parent.children--;
  }

  #add(node: RelayNode): RelayNode {
    const region = this.#byRegion.get(node.region) ?? [];
    this.#byRegion.set(node.region, region);
    node.parent = node.index === 0 ? undefined : region[parentIndex(node.index)];
    if (node.parent !== undefined) node.parent.children++;
    region.push(node);
    this.#byId.set(node.id, node);
    return node;
  }
}

/** The links that the room's own object feeds. */
export function linksOfOrigin(tree: RelayTree, regions: readonly Region[]): number {
  return Math.min(
    MAX_LINKS,
    regions.reduce((sum, region) => sum + Math.min(1, tree.of(region).length), 0),
  );
}
