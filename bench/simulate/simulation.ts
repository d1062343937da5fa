// One run: an audience joins, partly leaves, loses a region, and leaves, around the real growth and placement code.
import { Audience } from "./audience.ts";
import { Clock } from "./clock.ts";
import { Edge } from "./edge.ts";
import { LOOK_MS, Loads, type Second } from "./figures.ts";
import { Origin } from "./origin.ts";
import { seeded } from "./random.ts";
import { type Relay, Relays } from "./relays.ts";
import { AUDIENCE, limitsOf, type Shape } from "./shape.ts";

/** The interval at which the origin checks its own load, ms; a decision waits no longer. */
const ORIGIN_LOOK_MS = 50;

/** A refused newcomer reconnects after this time, ms, plus a random time up to the same. */
const COME_BACK_MS = 1000;

export class Simulation {
  readonly shape: Shape;
  readonly clock = new Clock();
  readonly audience: Audience;
  readonly origin: Origin;
  readonly relays: Relays;
  readonly edge: Edge;
  readonly loads: Loads;
  readonly seconds: Second[] = [];
  readonly #random: () => number;
  readonly #reportsAt: number[] = [0];
  #requests = 0;
  turnedAway = 0;
  moves = 0;
  depth = 0;

  constructor(shape: Shape, seed: number) {
    this.shape = shape;
    this.#random = seeded(seed);
    const { clock } = this;
    const random = this.#random;
    const limits = limitsOf(shape);
    const audience = new Audience(shape.subscribers);
    this.audience = audience;
    this.loads = new Loads(limits);
    const sentAway = this.#sentAway.bind(this);
    const relays: Relays = new Relays({
      ...{ clock, shape, limits, audience, random, sentAway },
      isOnline: () => this.origin.isOnline,
      report: (id, load) => this.origin.report(clock.now, id, load),
      linked: (id, link) => this.origin.linked(clock.now, id, link),
    });
    this.relays = relays;
    this.origin = new Origin(shape, limits, audience, { relays, sentAway });
    this.edge = new Edge({
      ...{ clock, random, perRegion: shape.isolatesPerRegion },
      place: (region, newcomers, refused, one) => this.origin.place(clock.now, region, newcomers, refused, one),
      admit: (id, one) => relays.admit(id, one),
      regionOf: (id) => relays.regionOf(id),
      isWaiting: (one) => audience.isWaiting(one),
      waitedMs: (one) => clock.now - (audience.wantedAt[one] ?? 0),
      comeBack: (one) => this.#turnAway(one),
    });
  }

  run(): void {
    this.#planAudience();
    const { startAt, leave, death, end, untilSeconds } = this.shape;
    this.origin.isOnline = startAt === 0;
    this.clock.after(startAt * 1000, () => {
      this.origin.isOnline = true;
    });
    this.clock.after(leave.at * 1000, () => this.#leave(leave.share, leave.overSeconds));
    this.clock.after(death.at * 1000, () => this.#die());
    this.clock.after(end.at * 1000, () => this.#leave(1, end.overSeconds));
    this.clock.after(LOOK_MS, () => this.#lookAtLoads());
    this.clock.after(ORIGIN_LOOK_MS, () => this.#lookOfOrigin());
    for (let second = 1; second <= untilSeconds; second++) {
      this.clock.runUntil(second * 1000);
      this.#note(second);
      if (second > end.at + end.overSeconds && this.relays.byId.size === 0) break;
    }
  }

  /** Relays' load messages per second, each counted once for each object that it passes. */
  reportsPerSecond(from: number, to: number): number {
    return ((this.#reportsAt[to] ?? 0) - (this.#reportsAt[from] ?? 0)) / (to - from);
  }

  /** Few join at first, most in the middle: the rate is a whole wave of a cosine. */
  #planAudience(): void {
    const { subscribers, joinSeconds, joins } = this.shape;
    for (let one = 0; one < subscribers; one++) {
      this.audience.home[one] = this.#anyHome();
      const part = this.#random();
      const at = joins === "wave" ? waveAt(part) : part;
      this.clock.after(joinSeconds * 1000 * at, () => this.#arrive(one));
    }
  }

  #anyHome(): number {
    let left = this.#random();
    const found = AUDIENCE.findIndex(([, share]) => {
      left -= share;
      return left < 0;
    });
    return Math.max(0, found);
  }

  #arrive(one: number): void {
    const [region] = AUDIENCE[this.audience.home[one] ?? 0] ?? AUDIENCE[0] ?? [];
    if (region === undefined) return;
    this.audience.want(this.clock.now, one);
    this.edge.arrive(region, one);
  }

  #leave(share: number, overSeconds: number): void {
    for (let one = 0; one < this.shape.subscribers; one++) {
      if (this.#random() >= share) continue;
      this.clock.after(this.#random() * overSeconds * 1000, () => this.audience.leave(one));
    }
  }

  #die(): void {
    const { region, outageSeconds } = this.shape.death;
    this.relays.die(region, outageSeconds * 1000, (relay) => spreadOf(relay));
  }

  /** Rule R2: the first retry comes at any time within the spread. */
  #sentAway(one: number, isMoved: boolean, spreadMs: number): void {
    if (isMoved) {
      this.moves++;
      this.audience.moves[one] = (this.audience.moves[one] ?? 0) + 1;
    }
    this.audience.willReturn(one);
    this.clock.after(this.#random() * spreadMs, () => {
      if (this.audience.isReturning(one)) this.#arrive(one);
    });
  }

  #turnAway(one: number): void {
    this.turnedAway++;
    const [region] = AUDIENCE[this.audience.home[one] ?? 0] ?? [];
    this.clock.after(COME_BACK_MS * (1 + this.#random()), () => {
      if (region !== undefined && this.audience.isWaiting(one)) this.edge.arrive(region, one);
    });
  }

  #lookOfOrigin(): void {
    this.clock.after(ORIGIN_LOOK_MS, () => this.#lookOfOrigin());
    this.origin.look(this.clock.now);
  }

  #lookAtLoads(): void {
    this.clock.after(LOOK_MS, () => this.#lookAtLoads());
    this.loads.look("origin", this.origin.load);
    for (const relay of this.relays.byId.values()) {
      this.depth = Math.max(this.depth, relay.depth);
      if (relay.isUp) this.loads.look(relay.id, this.relays.loadOf(relay));
    }
  }

  #note(second: number): void {
    const requests = this.origin.requests - this.#requests;
    this.#requests = this.origin.requests;
    this.#reportsAt[second] = this.relays.reports;
    const { connected, waiting } = this.audience;
    this.seconds.push({
      ...{ second, subscribers: connected, waiting },
      objects: 1 + this.relays.byId.size,
      highestLoad: this.loads.takeHighest(),
      originRequests: requests,
    });
  }
}

/** Clients of a relay spread their reconnects so that 800 a second reconnect for each object that died. */
function spreadOf({ members }: Relay): number {
  return Math.max(500, 1.25 * members.length);
}

/** The time in [0, 1] by which the share `part` has joined, if the rate is 1 - cos(2 pi t). */
function waveAt(part: number): number {
  let low = 0;
  let high = 1;
  for (let step = 0; step < 30; step++) {
    const middle = (low + high) / 2;
    if (middle - Math.sin(2 * Math.PI * middle) / (2 * Math.PI) < part) low = middle;
    else high = middle;
  }
  return low;
}
