// The simulated relays: they start, get frames from their parents, accept subscribers within their budget, report, and
// die.
import { type GrowthLimits, isFull, type Load } from "../../worker/core/growth-limits.ts";
import type { Region } from "../../worker/core/region.ts";
import { parentOf, parseRelayId } from "../../worker/core/relay-id.ts";
import type { Audience, Server } from "./audience.ts";
import type { Clock } from "./clock.ts";
import { latencyMs, NOTICE_MS, ORIGIN_REGION, REDIAL_MS, REPORT_MS, type Shape, START_MS, sendsOf } from "./shape.ts";

export class Relay implements Server {
  readonly id: string;
  readonly region: Region;
  readonly parent: Relay | undefined;
  readonly members: number[] = [];
  readonly children = new Set<Relay>();
  isUp = false;
  isClosed = false;
  draining = false;
  attempts = 0;
  /** The latency of a message to the origin, ms. */
  readonly wayMs: number;
  reported: Load | undefined;

  constructor(id: string, region: Region, parent: Relay | undefined) {
    this.id = id;
    this.region = region;
    this.parent = parent;
    this.wayMs = latencyMs(region, parent?.region ?? ORIGIN_REGION) + (parent?.wayMs ?? 0);
  }

  get depth(): number {
    return 1 + (this.parent?.depth ?? 0);
  }
}

/** The shared state of a simulation's relays. */
export interface RelayWorld {
  readonly clock: Clock;
  readonly shape: Shape;
  readonly limits: GrowthLimits;
  readonly audience: Audience;
  readonly random: () => number;
  isOnline(): boolean;
  /** The report to the origin, at the moment when it arrives. */
  report(id: string, load: Load): void;
  linked(id: string, link: "up" | "lost"): void;
  /** Its connection was closed, and it reconnects. */
  sentAway(one: number, isMoved: boolean, spreadMs: number): void;
}

export class Relays {
  readonly #world: RelayWorld;
  readonly byId = new Map<string, Relay>();
  /** The end of the outage of each region, ms. */
  readonly #outages = new Map<Region, number>();
  reports = 0;
  died = 0;

  constructor(world: RelayWorld) {
    this.#world = world;
  }

  /** Its row was written: the parent dials when it knows of it and is up itself. */
  open(id: string): void {
    const known = this.byId.get(id);
    if (known !== undefined) {
      known.draining = false;
      return;
    }
    const name = parseRelayId(id);
    if (name === undefined) throw new TypeError(id);
    const parent = this.byId.get(parentOf(id));
    if (name.index > 0 && parent === undefined) throw new Error(`${id} has no parent`);
    const relay = new Relay(id, name.region, parent);
    this.byId.set(id, relay);
    parent?.children.add(relay);
    this.#world.clock.after(parent?.wayMs ?? 0, () => this.#dial(relay));
    this.#world.clock.after(REPORT_MS * this.#world.random(), () => this.#reportEverySecond(relay));
  }

  close(id: string): void {
    const relay = this.byId.get(id);
    if (relay === undefined) return;
    if (relay.members.length > 0 || relay.children.size > 0) throw new Error(`${id} closes and is not empty`);
    relay.isClosed = true;
    relay.parent?.children.delete(relay);
    this.byId.delete(id);
  }

  /** It accepts no newcomers, and sends its subscribers away one by one. */
  drain(id: string, overMs: number): void {
    const relay = this.byId.get(id);
    if (relay === undefined) return;
    this.#world.clock.after(relay.wayMs, () => {
      relay.draining = true;
      const { members } = relay;
      const step = overMs / Math.max(1, members.length);
      members.slice().forEach((one, place) => {
        this.#world.clock.after(step * place, () => {
          if (relay.draining && relay.isUp) this.#sendAway(relay, one, true, 500);
        });
      });
    });
  }

  move(id: string, count: number): void {
    const relay = this.byId.get(id);
    if (relay === undefined) return;
    this.#world.clock.after(relay.wayMs, () => {
      for (const one of relay.members.slice(0, count)) this.#sendAway(relay, one, true, 500);
    });
  }

  admit(id: string, one: number): boolean {
    if (!this.#world.audience.isWaiting(one)) return true;
    const relay = this.byId.get(id);
    if (relay === undefined || !relay.isUp || relay.draining || isFull(this.#world.limits, this.loadOf(relay)))
      return false;
    this.#world.audience.connect(this.#world.clock.now, one, relay);
    return true;
  }

  regionOf(id: string): Region {
    return parseRelayId(id)?.region ?? ORIGIN_REGION;
  }

  loadOf(relay: Relay): Load {
    const { shape } = this.#world;
    const subscribers = relay.members.length;
    let links = 0;
    for (const { isUp } of relay.children) if (isUp) links++;
    const sends = this.#world.isOnline() ? sendsOf(shape, subscribers + links) : 0;
    return { subscribers, sendsPerSecond: sends, queuedBytes: 0 };
  }

  /** Everything in the region dies at once. Its subscribers notice it and reconnect within `spreadMs`. */
  die(region: Region, outageMs: number, spreadMs: (relay: Relay) => number): void {
    const { clock } = this.#world;
    this.#outages.set(region, clock.now + outageMs);
    for (const relay of this.byId.values()) {
      if (relay.region !== region || !relay.isUp) continue;
      relay.isUp = false;
      relay.reported = undefined;
      const spread = spreadMs(relay);
      for (const one of relay.members.slice()) {
        this.died++;
        this.#sendAway(relay, one, false, spread);
      }
      if (relay.parent === undefined) clock.after(NOTICE_MS + relay.wayMs, () => this.#world.linked(relay.id, "lost"));
      clock.after(NOTICE_MS, () => this.#dial(relay));
    }
  }

  /** A dial succeeds if the parent is up and the region can start objects; otherwise it is repeated. */
  #dial(relay: Relay): void {
    if (relay.isUp || relay.isClosed) return;
    const { clock, random } = this.#world;
    const reaches = relay.parent?.isUp ?? true;
    if (!reaches || clock.now < (this.#outages.get(relay.region) ?? 0)) {
      // A parent that is not up yet dials its children as soon as it is up, without another delay.
      const most = reaches ? Math.min(REDIAL_MS.most, REDIAL_MS.least * 2 ** relay.attempts++) : REDIAL_MS.least;
      return clock.after(REDIAL_MS.least + random() * most, () => this.#dial(relay));
    }
    relay.attempts = 0;
    const start = START_MS.least + random() * (START_MS.most - START_MS.least);
    const hop = relay.wayMs - (relay.parent?.wayMs ?? 0);
    clock.after(2 * hop + start, () => {
      if (relay.isUp || relay.isClosed) return;
      relay.isUp = true;
      clock.after(relay.wayMs, () => this.#world.linked(relay.id, "up"));
    });
  }

  #reportEverySecond(relay: Relay): void {
    if (relay.isClosed) return;
    const { clock } = this.#world;
    clock.after(REPORT_MS, () => this.#reportEverySecond(relay));
    if (!relay.isUp) return;
    const load = this.loadOf(relay);
    const { reported } = relay;
    if (reported?.subscribers === load.subscribers && reported.sendsPerSecond === load.sendsPerSecond) return;
    relay.reported = load;
    this.reports += relay.depth;
    clock.after(relay.wayMs, () => this.#world.report(relay.id, load));
  }

  #sendAway(relay: Relay, one: number, isMoved: boolean, spreadMs: number): void {
    if (relay.members.length === 0 || !this.#world.audience.isAt(one, relay)) return;
    this.#world.audience.disconnect(one);
    this.#world.sentAway(one, isMoved, spreadMs);
  }
}
