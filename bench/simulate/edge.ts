// The Worker's isolates: each keeps a placement for a while, asks the origin once for all waiting newcomers, and sends
// newcomers on.
import { ASK_AGAIN_MS } from "../../worker/core/growth-limits.ts";
import { choose, type Placement, without } from "../../worker/core/placement.ts";
import type { Region } from "../../worker/core/region.ts";
import type { Clock } from "./clock.ts";
import { latencyMs, ORIGIN_REGION, PATIENCE_MS } from "./shape.ts";

/** The edge's interface to the rest of the simulation. */
export interface EdgeWorld {
  readonly clock: Clock;
  readonly random: () => number;
  /** Isolates that the subscribers of one region come through. */
  readonly perRegion: number;
  /**
   * Asks the origin, at the moment when the question arrives. With the answer "origin", the origin has taken the
   * subscriber.
   */
  place(region: Region, newcomers: number, refused: readonly string[], one: number): Placement | "origin" | "full";
  /**
   * Tries to join a relay, at the moment when the upgrade arrives. Returns false if the relay refuses the subscriber.
   */
  admit(id: string, one: number): boolean;
  regionOf(id: string): Region;
  /** True if it still wants to be connected. */
  isWaiting(one: number): boolean;
  waitedMs(one: number): number;
  /** It was asked to reconnect later. */
  comeBack(one: number): void;
}

interface Isolate {
  readonly region: Region;
  /** undefined: this isolate does not know the room, or knows that one object serves it. */
  placement: Placement | undefined;
  until: number;
  askAgainAt: number;
  isAsking: boolean;
  newcomers: number;
  refused: string[];
  waiting: number[];
}

/** All isolates of all regions. */
export class Edge {
  readonly #world: EdgeWorld;
  readonly #isolates = new Map<Region, Isolate[]>();
  refusals = 0;

  constructor(world: EdgeWorld) {
    this.#world = world;
  }

  arrive(region: Region, one: number): void {
    const isolate = this.#anyOf(region);
    isolate.newcomers++;
    this.#serve(isolate, one);
  }

  #serve(isolate: Isolate, one: number): void {
    const { placement } = isolate;
    if (placement === undefined) return this.#ask(isolate, [one]);
    if (this.#world.clock.now < isolate.until && placement.relays.length > 0)
      return this.#knock(isolate, placement, one);
    isolate.waiting.push(one);
    if (isolate.isAsking) return;
    isolate.isAsking = true;
    const isHeld = placement.relays.length === 0 && this.#world.clock.now < isolate.until;
    const wait = isHeld ? isolate.until - this.#world.clock.now : 0;
    if (wait > 0) this.#world.clock.after(wait, () => this.#askForAll(isolate));
    else this.#askForAll(isolate);
  }

  #askForAll(isolate: Isolate): void {
    const those = isolate.waiting.filter((one) => this.#world.isWaiting(one));
    isolate.waiting = [];
    if (those.length > 0) return this.#ask(isolate, those);
    isolate.isAsking = false;
  }

  /** Sends one question for these newcomers, on behalf of the first; then the answer serves each of them. */
  #ask(isolate: Isolate, those: readonly number[]): void {
    const { region, newcomers, refused } = isolate;
    isolate.newcomers = 0;
    isolate.refused = [];
    const latency = latencyMs(region, ORIGIN_REGION);
    this.#world.clock.after(latency, () => {
      const [first = 0, ...others] = those;
      const answer = this.#world.place(region, newcomers, refused, first);
      this.#world.clock.after(latency, () => this.#answered(isolate, answer, first, others));
    });
  }

  #answered(isolate: Isolate, answer: Placement | "origin" | "full", first: number, others: readonly number[]): void {
    isolate.isAsking = false;
    const left = [...others, ...isolate.waiting];
    isolate.waiting = [];
    if (answer === "full") return void this.#turnAway([first, ...left]);
    if (answer === "origin") {
      isolate.placement = undefined;
      for (const one of left) this.#serve(isolate, one);
      return;
    }
    isolate.placement = answer;
    isolate.until = this.#world.clock.now + answer.freshMs;
    isolate.askAgainAt = this.#world.clock.now + ASK_AGAIN_MS;
    const late = (one: number) => this.#world.waitedMs(one) > PATIENCE_MS && answer.relays.length === 0;
    const all = [first, ...left].filter((one) => this.#world.isWaiting(one));
    this.#turnAway(all.filter(late));
    for (const one of all.filter((each) => !late(each))) this.#serve(isolate, one);
  }

  #knock(isolate: Isolate, placement: Placement, one: number): void {
    const id = choose(placement, this.#world.random);
    if (id === undefined) return;
    const latency = latencyMs(isolate.region, this.#world.regionOf(id));
    this.#world.clock.after(latency, () => {
      if (this.#world.admit(id, one)) return;
      this.refusals++;
      this.#world.clock.after(latency, () => this.#refused(isolate, id, one));
    });
  }

  /** The next choice excludes that relay. When none is left, the origin is asked. */
  #refused(isolate: Isolate, id: string, one: number): void {
    const { placement } = isolate;
    if (placement?.relays.some((relay) => relay.id === id)) {
      isolate.placement = without(placement, id);
      isolate.refused.push(id);
      if (isolate.placement.relays.length === 0) isolate.until = Math.max(isolate.askAgainAt, this.#world.clock.now);
    }
    if (this.#world.isWaiting(one)) this.#serve(isolate, one);
  }

  #turnAway(those: readonly number[]): void {
    for (const one of those) this.#world.comeBack(one);
  }

  #anyOf(region: Region): Isolate {
    const known = this.#isolates.get(region) ?? Array.from({ length: this.#world.perRegion }, () => unaware(region));
    this.#isolates.set(region, known);
    return known[Math.floor(this.#world.random() * known.length)] ?? unaware(region);
  }
}

function unaware(region: Region): Isolate {
  return {
    region,
    placement: undefined,
    until: 0,
    isAsking: false,
    newcomers: 0,
    refused: [],
    askAgainAt: 0,
    waiting: [],
  };
}
