// Growth under any events: the invariants of every room, whatever joins, leaves, dies or is lost.
import fc from "fast-check";
import { expect, test } from "vitest";
import type { GrowthAction } from "../../../worker/core/growth.ts";
import { DECIDE_EVERY_MS, LOW_MS } from "../../../worker/core/growth-limits.ts";
import { HINTS, type Region } from "../../../worker/core/region.ts";
import { parentOf } from "../../../worker/core/relay-id.ts";
import type { RelayRow } from "../../../worker/core/relay-tree.ts";
import { GrowthWorld, ROOM } from "./support/growth-world.ts";

const RUNS = { numRuns: Number(process.env.ROOMCAST_RUNS ?? 100) };

const region = fc.constantFrom(...HINTS);
const event = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant("join" as const), count: fc.integer({ min: 1, max: 60 }), region }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant("pass" as const), ms: fc.constantFrom(100, 1000, 7000, 400_000) }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("dial" as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("leave" as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("link" as const),
      at: fc.nat(40),
      link: fc.constantFrom("lost" as const, "lagging" as const, "parked" as const, "up" as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("die" as const), region }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("restart" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("stream" as const), sends: fc.constantFrom(0, 1, 20, 60) }) },
);
type Event = typeof event extends fc.Arbitrary<infer T> ? T : never;

/** A world whose rules are checked at each decision. Objects are so small that few subscribers make a storm. */
class Checked {
  readonly world: GrowthWorld;
  readonly #openedAt = new Map<Region, number>();

  constructor(maxRelays: number) {
    this.world = new GrowthWorld({ maxRelays, maxObjectSubscribers: 20 });
    this.world.decided = (actions) => this.#decided(actions);
  }

  apply(one: Event): void {
    const { world } = this;
    if (one.do === "join") this.#join(one.count, one.region);
    else if (one.do === "pass") this.#pass(one.ms);
    else if (one.do === "dial") world.dial();
    else if (one.do === "leave") this.#leave(one.share);
    else if (one.do === "link") world.link(world.ids[one.at % Math.max(1, world.ids.length)] ?? "", one.link);
    else if (one.do === "die") for (const id of world.ids) if (id.includes(`~${one.region}~`)) world.link(id, "lost");
    if (one.do === "restart") this.#restart();
    if (one.do === "stream") {
      world.isOnline = one.sends > 0;
      world.sendsPerSubscriber = one.sends;
    }
  }

  /** All subscribers leave, and all links are up: the room becomes one object again after a while. */
  end(): void {
    const { world } = this;
    world.isOnline = true;
    this.#leave(1);
    for (let minute = 0; minute < 40; minute++) {
      world.dial();
      for (const [id, { link }] of world.relays) if (link === "lagging") world.link(id, "up");
      world.pass(60_000);
    }
    expect(world.ids).toEqual([]);
    expect(world.growth.dueAt).toBeUndefined();
  }

  #join(count: number, from: Region): void {
    const { world } = this;
    world.join(count, from);
    const place = world.growth.place(world.now, from);
    if (typeof place === "string") return;
    const rows = new Map(world.growth.rows.map((row) => [row.id, row]));
    for (const { id, weight } of place.relays) {
      expect(rows.get(id)?.draining, id).toBe(false);
      expect(["up", "parked"], id).toContain(world.relays.get(id)?.link);
      expect(weight).toBeGreaterThanOrEqual(1);
    }
    expect(place.freshMs).toBeGreaterThan(0);
  }

  /** Growth wants to decide only when there is something to decide, and at the announced times. */
  #pass(ms: number): void {
    const { world } = this;
    const until = world.now + ms;
    for (let turns = 0; world.growth.dueAt !== undefined && world.growth.dueAt <= until; turns++) {
      expect(turns).toBeLessThan(3 + ms / DECIDE_EVERY_MS);
      world.now = Math.max(world.now, world.growth.dueAt);
      if (turns % 4 === 3) world.sayAll();
      world.decide();
    }
    world.now = until;
    world.sayAll();
    world.decide();
  }

  #leave(share: number): void {
    const { world } = this;
    world.own -= Math.floor(world.own * share);
    for (const relay of world.relays.values()) relay.subscribers -= Math.floor(relay.subscribers * share);
    world.sayAll();
  }

  #restart(): void {
    const { world } = this;
    const before = sorted(world.growth.rows);
    world.restart();
    expect(sorted(world.growth.rows)).toEqual(before);
    this.#openedAt.clear();
  }

  #decided(actions: readonly GrowthAction[]): void {
    const { world } = this;
    const { rows, dueAt } = world.growth;
    const ids = new Set(rows.map(({ id }) => id));
    expect(rows.length).toBeLessThanOrEqual(world.limits.maxRelays);
    for (const id of ids) expect(parentOf(id) === ROOM || ids.has(parentOf(id)), id).toBe(true);
    for (const { id, draining } of rows) {
      if (!draining && parentOf(id) !== ROOM)
        expect(rows.find((row) => row.id === parentOf(id))?.draining, id).toBe(false);
    }
    expect([...world.relays.keys()].sort()).toEqual([...ids].sort());
    if (dueAt !== undefined) expect(dueAt).toBeGreaterThan(world.now);
    for (const action of actions) this.#checkAction(action);
  }

  /** No relay drains soon after one was opened beside it; no object without subscribers has to move any. */
  #checkAction(action: GrowthAction): void {
    const { now } = this.world;
    const from = action.id.split("~")[1] as Region;
    if (action.do === "open") this.#openedAt.set(from, now);
    if (action.do === "drain") expect(this.world.ids.map(parentOf)).not.toContain(action.id);
    if (action.do === "drain") expect(now - (this.#openedAt.get(from) ?? 0)).toBeGreaterThanOrEqual(LOW_MS);
    if (action.do === "move") expect(action.count).toBeGreaterThanOrEqual(1);
  }
}

/** In the order of their ids: storage has its own order. */
function sorted(rows: readonly RelayRow[]): RelayRow[] {
  return [...rows].sort((one, other) => (one.id < other.id ? -1 : 1));
}

test("a tree stays a tree, within its cap, without haste, and ends as one object", { timeout: 600_000 }, () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 40 }), fc.array(event, { maxLength: 60 }), (maxRelays, events) => {
      const checked = new Checked(maxRelays);
      for (const one of events) checked.apply(one);
      checked.end();
    }),
    RUNS,
  );
});

test("a room below half of what an object is meant to have never opens a relay, whatever its subscribers do", () => {
  const step = fc.record({
    count: fc.integer({ min: -100, max: 100 }),
    ms: fc.nat(5000),
    sends: fc.integer({ min: 0, max: 20 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const world = new GrowthWorld();
      for (const { count, ms, sends } of steps) {
        world.sendsPerSubscriber = sends;
        if (count > 0) expect(world.join(Math.min(count, 220 - world.own))).toBe(0);
        else world.own = Math.max(0, world.own + count);
        world.pass(ms);
        expect([world.ids, world.growth.dueAt]).toEqual([[], undefined]);
      }
    }),
    RUNS,
  );
});
