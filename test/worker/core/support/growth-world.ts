// A small simulation around growth: objects that execute its actions, links that come and go, and subscribers that join
// by placement.
import { Growth, type GrowthAction } from "../../../../worker/core/growth.ts";
import { type GrowthLimits, isFull, type Load } from "../../../../worker/core/growth-limits.ts";
import { choose } from "../../../../worker/core/placement.ts";
import type { Region } from "../../../../worker/core/region.ts";
import { parentOf } from "../../../../worker/core/relay-id.ts";
import type { RelayRow } from "../../../../worker/core/relay-tree.ts";

export const ROOM = "room";
export const START = Date.UTC(2026, 0, 1);

export const LIMITS: GrowthLimits = {
  maxObjectSubscribers: 2000,
  sendBudget: 15_000,
  queueBytes: 20 * 1024 * 1024,
  maxRelays: 64,
  maxSubscribers: 1_000_000,
  hintsOff: false,
};

type Link = "opening" | "up" | "parked" | "lost" | "lagging";

export interface FakeRelay {
  subscribers: number;
  link: Link;
}

export class GrowthWorld {
  now = START;
  growth: Growth;
  readonly limits: { -readonly [Name in keyof GrowthLimits]: GrowthLimits[Name] };
  readonly relays = new Map<string, FakeRelay>();
  readonly done: { readonly at: number; readonly action: GrowthAction }[] = [];
  own = 0;
  sendsPerSubscriber = 20;
  isOnline = true;
  home: Region = "weur";
  /** Called after each decision. */
  decided: (actions: readonly GrowthAction[]) => void = () => {};
  /** True if relays can start in this region. */
  reaches: (region: Region) => boolean = () => true;
  #turn = 0;

  constructor(limits: Partial<GrowthLimits> = {}, rows: readonly RelayRow[] = []) {
    this.limits = { ...LIMITS, ...limits };
    this.growth = new Growth(ROOM, () => this.limits, rows, this.now);
  }

  get ids(): string[] {
    return this.growth.rows.map(({ id }) => id);
  }

  get subscribers(): number {
    let sum = this.own;
    for (const { subscribers } of this.relays.values()) sum += subscribers;
    return sum;
  }

  actions(what: GrowthAction["do"]): GrowthAction[] {
    return this.done.map(({ action }) => action).filter((action) => action.do === what);
  }

  /** `count` newcomers join one after another. Returns the number of those that found no place. */
  join(count: number, region: Region = this.home): number {
    let left = 0;
    for (let step = 0; step < count; step++) {
      const place = this.growth.place(this.now, region);
      const relay = typeof place === "string" ? undefined : this.relays.get(choose(place, this.#random) ?? "");
      if (place === "origin") this.own++;
      else if (relay !== undefined && !isFull(this.limits, this.loadOf(relay.subscribers))) relay.subscribers++;
      else left++;
      if (place === "origin") this.say();
    }
    return left;
  }

  /** Time passes in steps of at most a second. All objects report their loads, and growth decides when it wants to. */
  pass(ms: number): void {
    const until = this.now + ms;
    while (this.now < until) {
      this.now = Math.min(until, this.now + 1000);
      this.sayAll();
      this.decide();
    }
  }

  say(): void {
    this.growth.own(this.now, this.loadOf(this.own), new Map([[this.home, this.own]]), this.isOnline);
  }

  sayAll(): void {
    this.say();
    for (const [id, relay] of this.relays) {
      if (relay.link === "up" || relay.link === "lagging")
        this.growth.report(this.now, id, this.loadOf(relay.subscribers));
    }
  }

  decide(): void {
    const { dueAt } = this.growth;
    if (dueAt === undefined || dueAt > this.now) return;
    const actions = this.growth.decide(this.now);
    for (const action of actions) this.#do(action);
    this.decided(actions);
  }

  link(id: string, link: Exclude<Link, "opening">): void {
    const relay = this.relays.get(id);
    if (relay === undefined) return;
    relay.link = link;
    if (link === "lost") relay.subscribers = 0;
    this.growth.linked(this.now, id, link);
  }

  /** The origin dies with its subscribers, and comes back with its stored state. */
  restart(): void {
    this.own = 0;
    this.growth = new Growth(ROOM, () => this.limits, this.growth.rows, this.now);
    for (const relay of this.relays.values()) relay.link = "opening";
  }

  /** Parents dial relays that are not up. A relay below one that is not up has to wait. */
  dial(): void {
    for (const [id, relay] of this.relays) {
      const parent = this.relays.get(parentOf(id));
      const region = id.split("~")[1] as Region;
      const isBelow = parent !== undefined && parent.link !== "up" && parent.link !== "lagging";
      if (
        (relay.link === "opening" || relay.link === "lost" || relay.link === "parked") &&
        !isBelow &&
        this.reaches(region)
      ) {
        this.link(id, "up");
      }
    }
  }

  loadOf(subscribers: number): Load {
    const sendsPerSecond = this.isOnline ? subscribers * this.sendsPerSubscriber : 0;
    return { subscribers, sendsPerSecond, queuedBytes: 0 };
  }

  #do(action: GrowthAction): void {
    this.done.push({ at: this.now, action });
    const { id } = action;
    if (action.do === "open" && !this.relays.has(id)) this.relays.set(id, { subscribers: 0, link: "opening" });
    else if (action.do === "close") this.relays.delete(id);
    else if (action.do === "drain") this.#sendAway(id, Number.POSITIVE_INFINITY);
    else if (action.do === "move") this.#sendAway(id, action.count);
  }

  #sendAway(id: string, count: number): void {
    const relay = this.relays.get(id);
    const moved = Math.min(count, relay?.subscribers ?? this.own);
    if (relay === undefined) this.own -= moved;
    else relay.subscribers -= moved;
    this.join(moved);
  }

  /** Evenly distributed, and the same in every run. */
  readonly #random = (): number => (this.#turn = (this.#turn + 0.618034) % 1);
}
