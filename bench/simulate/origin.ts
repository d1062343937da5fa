// The simulated room's own object around the real growth: it asks growth, executes its actions, and serves the first
// subscribers.
import { Growth, type GrowthAction } from "../../worker/core/growth.ts";
import type { GrowthLimits, Load } from "../../worker/core/growth-limits.ts";
import type { Placement } from "../../worker/core/placement.ts";
import type { Region } from "../../worker/core/region.ts";
import { parseRelayId } from "../../worker/core/relay-id.ts";
import type { Audience, Server } from "./audience.ts";
import type { Relays } from "./relays.ts";
import { AUDIENCE, type Shape, sendsOf } from "./shape.ts";

const ROOM = "room";

/** Growth is real; its times are ms since 1970. */
const EPOCH = Date.UTC(2026, 0, 1);

/** The parts that the origin acts on. */
export interface Hands {
  readonly relays: Relays;
  sentAway(one: number, isMoved: boolean, spreadMs: number): void;
}

export class Origin implements Server {
  readonly members: number[] = [];
  readonly growth: Growth;
  readonly #shape: Shape;
  readonly #audience: Audience;
  readonly #hands: Hands;
  readonly #byRegion = new Map<Region, number>();
  readonly #links = new Set<string>();
  isOnline = true;
  requests = 0;
  opened = 0;
  closed = 0;

  constructor(shape: Shape, limits: GrowthLimits, audience: Audience, hands: Hands) {
    this.#shape = shape;
    this.#audience = audience;
    this.#hands = hands;
    this.growth = new Growth(ROOM, () => limits, [], EPOCH);
  }

  get load(): Load {
    const receivers = this.members.length + this.#links.size;
    const sendsPerSecond = this.isOnline ? sendsOf(this.#shape, receivers) : 0;
    return { subscribers: this.members.length, sendsPerSecond, queuedBytes: 0 };
  }

  place(
    ms: number,
    region: Region,
    newcomers: number,
    refused: readonly string[],
    one: number,
  ): Placement | "origin" | "full" {
    this.requests++;
    const answer = this.growth.place(EPOCH + ms, region, newcomers, refused);
    if (answer === "origin" && this.#audience.isWaiting(one)) {
      this.#audience.connect(ms, one, this);
      this.#sayOwn(ms);
    }
    return answer;
  }

  report(ms: number, id: string, load: Load): void {
    this.growth.report(EPOCH + ms, id, load);
  }

  linked(ms: number, id: string, link: "up" | "lost"): void {
    if (parseRelayId(id)?.index === 0) {
      if (link === "up") this.#links.add(id);
      else this.#links.delete(id);
    }
    this.growth.linked(EPOCH + ms, id, link);
  }

  /** Reports its own load and decides, when growth needs it. */
  look(ms: number): void {
    this.#sayOwn(ms);
    const due = this.growth.dueAt;
    if (due === undefined || due > EPOCH + ms) return;
    for (const action of this.growth.decide(EPOCH + ms)) this.#do(action);
    const next = this.growth.dueAt;
    if (next !== undefined && next <= EPOCH + ms) throw new Error("growth wants to decide again at once");
  }

  #do(action: GrowthAction): void {
    if (action.do === "open") {
      this.opened++;
      this.#hands.relays.open(action.id);
    } else if (action.do === "drain") this.#hands.relays.drain(action.id, action.overMs);
    else if (action.do === "close") {
      this.closed++;
      this.#links.delete(action.id);
      this.#hands.relays.close(action.id);
    } else if (action.id !== ROOM) this.#hands.relays.move(action.id, action.count);
    else {
      for (const one of this.members.slice(0, action.count)) {
        this.#audience.disconnect(one);
        this.#hands.sentAway(one, true, 500);
      }
    }
  }

  #sayOwn(ms: number): void {
    this.#byRegion.clear();
    for (const one of this.members) {
      const region = AUDIENCE[this.#audience.home[one] ?? 0]?.[0] ?? "any";
      this.#byRegion.set(region, (this.#byRegion.get(region) ?? 0) + 1);
    }
    this.growth.own(EPOCH + ms, this.load, this.#byRegion, this.isOnline);
  }
}
