// The knowledge of growth about a room: its tree, its own load, the cost of its stream, and the regions of its
// newcomers.
import {
  AHEAD_MS,
  BUSY_MS,
  BUSY_SHARE,
  DECIDE_EVERY_MS,
  FULL_SHARE,
  type GrowthLimits,
  isFull,
  isOver,
  type Load,
  roomFor,
} from "./growth-limits.ts";
import { Newcomers } from "./newcomers.ts";
import { nearestTo, REGIONS, type Region } from "./region.ts";
import { linksOfOrigin, type RelayNode, type RelayRow, RelayTree } from "./relay-tree.ts";
import { SendRate } from "./send-rate.ts";

const MINUTE_MS = 60_000;

/** The origin's sends are those of the last second: they are compared with the subscribers of that second. */
const SAMPLE_MS = 1000;

/** The room's own object as one that serves subscribers. */
interface Own {
  readonly load: Load;
  readonly byRegion: ReadonlyMap<Region, number>;
  readonly isOnline: boolean;
  readonly overSince: number | undefined;
}

/** Everything that decisions need. Times are ms since 1970. */
export class GrowthState {
  readonly tree: RelayTree;
  readonly rate = new SendRate();
  readonly #limits: () => GrowthLimits;
  /** Questions for a place. */
  readonly asks = new Newcomers();
  /** Newcomers by the region that Workers report, and by the region of the relays that reported them. */
  readonly #asked = new Map<Region, Newcomers>();
  readonly #came = new Map<Region, Newcomers>();
  #relayed = { until: Number.NEGATIVE_INFINITY, sum: 0 };
  readonly #startedAt: number;
  #learnedAt = Number.NEGATIVE_INFINITY;
  #learnedFrom = 0;
  own: Own = {
    load: { subscribers: 0, sendsPerSecond: 0, queuedBytes: 0 },
    byRegion: new Map(),
    isOnline: false,
    overSince: undefined,
  };
  /** Newcomers sent to the origin since its last load report. */
  ownComing = 0;

  constructor(room: string, limits: () => GrowthLimits, rows: readonly RelayRow[], now: number) {
    this.#limits = limits;
    this.#startedAt = now;
    this.tree = new RelayTree(room, rows, now);
  }

  get limits(): GrowthLimits {
    return this.#limits();
  }

  /** The region under which a client from `region` counts: without hints, all belong to one region. */
  home(region: Region): Region {
    return this.limits.hintsOff ? "any" : region;
  }

  setOwn(now: number, load: Load, byRegion: ReadonlyMap<Region, number>, isOnline: boolean): void {
    const overSince = isOver(this.limits, BUSY_SHARE, load) ? (this.own.overSince ?? now) : undefined;
    this.own = { load, byRegion, isOnline, overSince };
    this.ownComing = 0;
    if (isOnline && now >= this.#learnedAt + SAMPLE_MS) {
      this.rate.learn(now, load, Math.max(this.#learnedFrom, load.subscribers) + this.ownLinks);
      this.#learnedAt = now;
      this.#learnedFrom = load.subscribers;
    }
  }

  report(now: number, node: RelayNode, load: Load): void {
    const isFirst = node.reportedAt === undefined;
    const before = node.load.subscribers;
    const came = node.report(now, load, this.limits);
    // The subscribers that a relay has when the room comes back are not newcomers.
    if (!isFirst || node.openedAt > this.#startedAt) this.#of(this.#came, node.region).add(now, came);
    if (this.own.isOnline) this.rate.learn(now, load, Math.max(before, load.subscribers) + node.children);
  }

  ask(now: number, region: Region, newcomers: number): void {
    this.asks.add(now, 1);
    this.#of(this.#asked, region).add(now, newcomers);
  }

  get ownLinks(): number {
    return linksOfOrigin(this.tree, REGIONS);
  }

  get ownExpected(): number {
    return this.own.load.subscribers + this.ownComing;
  }

  get ownBusyAt(): number | undefined {
    return this.own.overSince === undefined ? undefined : this.own.overSince + BUSY_MS;
  }

  /** The origin's target number of subscribers. */
  get ownRoom(): number {
    return roomFor(this.limits, BUSY_SHARE, this.rate.perSubscriber, this.ownLinks);
  }

  /** True if the origin may take one more while no other object can. */
  get ownTakes(): boolean {
    const { limits } = this;
    if (isFull(limits, { ...this.own.load, subscribers: this.ownExpected })) return false;
    return this.ownExpected < this.#most(limits, this.ownLinks);
  }

  /** The number of further subscribers up to the relay's target. */
  free(now: number, node: RelayNode): number {
    if (node.isBusy(now)) return 0;
    const meant = roomFor(this.limits, BUSY_SHARE, this.rate.perSubscriber, node.children);
    return Math.max(0, meant - node.expected(now));
  }

  /** The number of further subscribers before it is full. */
  spare(now: number, node: RelayNode): number {
    const { limits } = this;
    if (isOver(limits, FULL_SHARE, node.load) || node.isFull(now)) return 0;
    return Math.max(0, this.#most(limits, node.children) - node.expected(now));
  }

  /** The relay's load, 0 to 1, as a part of its target. */
  loadOf(now: number, node: RelayNode): number {
    return node.expected(now) / roomFor(this.limits, BUSY_SHARE, this.rate.perSubscriber, node.children);
  }

  /** The number of subscribers that a new relay would take. */
  get meant(): number {
    return roomFor(this.limits, BUSY_SHARE, this.rate.perSubscriber, 0);
  }

  /**
   * True if the region's relays can serve subscribers now or in a moment. Without their first relay, they are cut off.
   */
  isServing(now: number, region: Region): boolean {
    const first = this.tree.of(region)[0];
    return first !== undefined && !first.draining && (first.isFed || first.isComing(now));
  }

  /** The region whose relays a region uses: its own, or else the nearest. */
  serverOf(now: number, region: Region): Region | undefined {
    return nearestTo(region).find((one) => this.isServing(now, one));
  }

  /** The number of subscribers from a region that came lately, or may have to move there. */
  interest(now: number, region: Region): number {
    return this.askedInMinute(now, region) + (this.own.byRegion.get(region) ?? 0);
  }

  askedInMinute(now: number, region: Region): number {
    return this.#asked.get(region)?.count(now, MINUTE_MS) ?? 0;
  }

  /** How long newcomers from a region have been arriving without a pause. */
  stormMs(now: number, region: Region): number {
    return this.#asked.get(region)?.lastedMs(now) ?? 0;
  }

  /** The expected number of newcomers at the relays of `region` before more relays can be opened. */
  ahead(now: number, region: Region, served: readonly Region[]): number {
    const asked = served.reduce((sum, one) => sum + aheadOf(now, this.#asked.get(one)), 0);
    return Math.max(asked, aheadOf(now, this.#came.get(region)));
  }

  /**
   * Subscribers of the whole room. Those of the relays are summed once per decision: a storm asks a thousand times a
   * second.
   */
  subscribers(now: number): number {
    if (now >= this.#relayed.until) {
      let sum = 0;
      for (const node of this.tree) if (!node.isGone(now)) sum += node.load.subscribers;
      this.#relayed = { until: now + DECIDE_EVERY_MS, sum };
    }
    return this.own.load.subscribers + this.#relayed.sum;
  }

  /**
   * The maximum of subscribers of one object. If no relay can be opened, a stream that has never run limits nothing.
   */
  #most(limits: GrowthLimits, links: number): number {
    const isLast = this.tree.size >= limits.maxRelays;
    const sends = isLast && !this.rate.isMeasured ? 0 : this.rate.perSubscriber;
    return roomFor(limits, FULL_SHARE, sends, links);
  }

  #of(map: Map<Region, Newcomers>, region: Region): Newcomers {
    const known = map.get(region);
    if (known !== undefined) return known;
    const fresh = new Newcomers();
    map.set(region, fresh);
    return fresh;
  }
}

function aheadOf(now: number, newcomers: Newcomers | undefined): number {
  if (newcomers === undefined) return 0;
  // A storm is expected to last as long again as it has lasted: a burst of reconnecting clients does not build a tree.
  const ms = Math.min(AHEAD_MS, newcomers.lastedMs(now));
  return (newcomers.rate(now) * ms) / 1000;
}
