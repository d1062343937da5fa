// A room that grows, loses relays and shrinks, case by case.
import { describe, expect, test } from "vitest";
import { Growth } from "../../../worker/core/growth.ts";
import { BUSY_MS, FEW_SUBSCRIBERS, LOW_MS } from "../../../worker/core/growth-limits.ts";
import { GrowthWorld, LIMITS, ROOM, START } from "./support/growth-world.ts";

/** A world that has grown until the region has `relays` of them, all up. */
function grown(relays: number, world = new GrowthWorld()): GrowthWorld {
  for (let step = 0; step < 2000 && world.ids.length < relays; step++) {
    world.join(20);
    world.pass(1000);
    world.dial();
  }
  world.pass(1000);
  return world;
}

describe("a small room", () => {
  test("has no relay, no timer and nothing to decide", () => {
    const world = new GrowthWorld();
    for (let count = 0; count < 200; count++) {
      expect(world.join(1)).toBe(0);
      expect(world.growth.dueAt).toBeUndefined();
      world.pass(100);
    }
    expect([world.own, world.growth.subscribers, world.ids]).toEqual([200, 200, []]);
  });

  test("does not grow when all of its subscribers reconnect at once", () => {
    const world = new GrowthWorld();
    world.join(400);
    world.pass(60_000);
    expect([world.ids, world.own]).toEqual([[], 400]);
    expect(world.growth.dueAt).toBeUndefined();
  });
});

describe("the first relay", () => {
  test("opens where most subscribers are, at once when there are too many", () => {
    const world = new GrowthWorld();
    world.home = "oc";
    world.join(450);
    world.decide();
    expect(world.done.map(({ action }) => action)).toEqual([{ do: "open", id: "room~oc~0", region: "oc" }]);
    expect(world.growth.tree).toEqual([
      {
        id: "room~oc~0",
        region: "oc",
        parent: ROOM,
        subscribers: 0,
        sendsPerSecond: 0,
        queuedBytes: 0,
        state: "opening",
      },
    ]);
  });

  test("opens after five seconds when it is the sends that are too many", () => {
    const world = new GrowthWorld();
    world.sendsPerSubscriber = 40;
    world.join(240);
    expect(world.growth.dueAt).toBeLessThanOrEqual(START + BUSY_MS);
    world.pass(BUSY_MS - 1000);
    const soon = world.ids.length;
    world.pass(2000);
    expect([soon, world.ids]).toEqual([0, ["room~weur~0"]]);
  });

  test("takes all newcomers once it is up; until then the origin does", () => {
    const world = new GrowthWorld();
    world.join(450);
    world.decide();
    expect(world.growth.place(world.now, "weur")).toBe("origin");
    world.dial();
    expect(world.growth.place(world.now, "weur")).toMatchObject({ relays: [{ id: "room~weur~0", load: 0 }] });
    expect(world.growth.place(world.now, "oc")).toMatchObject({ relays: [{ id: "room~weur~0" }] });
  });
});

describe("a grown room", () => {
  test("opens the next relay of a region before those there are full", () => {
    const world = grown(3);
    expect(world.ids).toEqual(["room~weur~0", "room~weur~1", "room~weur~2"]);
    expect(world.growth.tree.map(({ parent }) => parent)).toEqual([ROOM, "room~weur~0", "room~weur~0"]);
    for (const { subscribers } of world.relays.values()) expect(subscribers * 20).toBeLessThan(15_000);
  });

  test("opens a region's own relay when it is worth one", () => {
    const world = grown(1);
    world.join(FEW_SUBSCRIBERS - 1, "oc");
    world.pass(1000);
    const few = world.ids.filter((id) => id.includes("~oc~"));
    world.join(1, "oc");
    world.pass(1000);
    expect([few, world.ids.filter((id) => id.includes("~oc~"))]).toEqual([[], ["room~oc~0"]]);
  });

  test("opens many at once in a storm", () => {
    const world = grown(1);
    for (let step = 0; step < 20; step++) {
      world.join(500);
      world.pass(250);
      world.dial();
    }
    expect(world.ids.length).toBeGreaterThan(15);
    expect(Math.max(...Array.from(world.relays.values(), ({ subscribers }) => subscribers))).toBeLessThanOrEqual(750);
  });

  test("sends no newcomers to a relay that refused one, until it reports again; if no other is left, it opens one", () => {
    const world = grown(3);
    const [first, ...rest] = world.ids;
    if (first === undefined) throw new Error("no relay");
    const placed = (refused: readonly string[]) => {
      const place = world.growth.place(world.now, "weur", 1, refused);
      return typeof place === "string" ? place : place.relays.map(({ id }) => id);
    };
    expect(placed([first, "room~weur~99"])).not.toContain(first);
    expect(placed(rest)).toBe("origin");
    world.now += 1000;
    world.decide();
    expect(world.ids.length).toBeGreaterThan(3);
    world.sayAll();
    expect(placed([])).not.toEqual([]);
  });

  test("sends nobody to relays that lag, drain or are lost", () => {
    const world = grown(3);
    world.link("room~weur~1", "lagging");
    world.link("room~weur~2", "lost");
    const place = world.growth.place(world.now, "weur");
    expect(typeof place === "string" ? place : place.relays.map(({ id }) => id)).toEqual(["room~weur~0"]);
    expect(world.growth.tree.map(({ state }) => state)).toEqual([expect.any(String), "lagging", "lost"]);
  });

  test("with one jurisdiction has no regions", () => {
    const world = new GrowthWorld({ hintsOff: true });
    world.join(460);
    world.decide();
    expect(world.ids).toEqual(["room~any~0"]);
    world.dial();
    expect(world.growth.place(world.now, "oc")).toMatchObject({ relays: [{ id: "room~any~0" }] });
  });
});

describe("what goes wrong", () => {
  test("newcomers of a dead region go to its neighbours, also while links below it say nothing", () => {
    const world = grown(2);
    world.join(FEW_SUBSCRIBERS, "oc");
    world.pass(1000);
    world.dial();
    world.pass(1000);
    world.link("room~weur~0", "lost");
    const place = world.growth.place(world.now, "weur");
    expect(typeof place === "string" ? place : place.relays.map(({ id }) => id)).toEqual(["room~oc~0"]);
  });

  test("a region that cannot be reached gets no further relays; its nearest neighbour does", () => {
    const world = grown(2);
    world.join(FEW_SUBSCRIBERS, "eeur");
    world.pass(1000);
    world.dial();
    world.pass(1000);
    world.reaches = (region) => region !== "weur";
    world.link("room~weur~0", "lost");
    const before = world.ids.filter((id) => id.includes("~weur~")).length;
    for (let step = 0; step < 20; step++) {
      world.join(100, "weur");
      world.pass(1000);
      world.dial();
    }
    expect(world.ids.filter((id) => id.includes("~weur~")).length).toBe(before);
    expect(world.ids.filter((id) => id.includes("~eeur~")).length).toBeGreaterThan(2);
  });

  test("a restarted room has the same tree, and opens nothing while its relays are dialled", () => {
    const world = grown(4);
    const before = world.growth.tree.map(({ id, parent }) => ({ id, parent }));
    const rows = world.growth.rows;
    world.restart();
    world.join(100);
    world.pass(2000);
    world.dial();
    world.pass(10_000);
    expect(world.growth.tree.map(({ id, parent }) => ({ id, parent }))).toEqual(before);
    expect(world.growth.rows).toEqual(rows);
  });

  test("rows that belong to no tree are left out", () => {
    const rows = ["other~weur~0", "room~weur~0", "room~weur~2", "room", "room~oc~1"].map((id) => ({
      id,
      openedAt: START,
      draining: false,
    }));
    const growth = new Growth(ROOM, () => LIMITS, rows, START);
    expect(growth.rows.map(({ id }) => id)).toEqual(["room~weur~0"]);
  });

  test("at the cap it fills the existing relays, then it is full; before that, newcomers wait", () => {
    const world = new GrowthWorld({ maxRelays: 1 });
    world.join(450);
    world.decide();
    world.join(300);
    expect(world.growth.place(world.now, "weur")).toMatchObject({ relays: [] });
    world.dial();
    world.pass(1000);
    for (let step = 0; step < 100; step++) {
      world.join(20);
      world.pass(1000);
    }
    expect(world.growth.place(world.now, "weur")).toBe("full");
    expect(world.ids).toEqual(["room~weur~0"]);
    expect(world.relays.get("room~weur~0")?.subscribers).toBeGreaterThan(600);
  });

  test("a room without relays is one object", () => {
    const world = new GrowthWorld({ maxRelays: 0 });
    expect(world.join(3000)).toBeGreaterThan(0);
    world.pass(10_000);
    expect(world.ids).toEqual([]);
    expect(world.growth.place(world.now, "weur")).toBe("full");
  });

  test("the whole room has a bound too", () => {
    const world = new GrowthWorld({ maxSubscribers: 100 });
    expect(world.join(150)).toBe(50);
  });
});

describe("an object over its budget", () => {
  test("moves the excess within seconds, and no more", () => {
    const world = new GrowthWorld();
    world.isOnline = false;
    world.join(440);
    world.pass(1000);
    world.sendsPerSubscriber = 40;
    world.isOnline = true;
    for (let step = 0; step < 20; step++) {
      world.pass(1000);
      world.dial();
    }
    const moved = world.actions("move").filter(({ id }) => id === ROOM);
    expect(moved.length).toBeGreaterThan(0);
    expect(world.own * 40).toBeLessThanOrEqual(15_000);
    expect(world.own).toBeGreaterThan(150);
  });

  test("moves nobody while nobody else has room", () => {
    const world = new GrowthWorld({ maxRelays: 0 });
    world.join(500);
    world.sendsPerSubscriber = 40;
    world.pass(60_000);
    expect(world.actions("move")).toEqual([]);
  });
});

describe("a room that shrinks", () => {
  test("drains the last relay after five minutes, closes it when it is empty, and is one object again", () => {
    const world = grown(3);
    for (const relay of world.relays.values()) relay.subscribers = 5;
    world.own = 20;
    world.pass(LOW_MS - 2000);
    expect(world.actions("drain")).toEqual([]);
    world.pass(600_000);
    expect(world.actions("drain")[0]).toEqual({ do: "drain", id: "room~weur~2", overMs: 60_000 });
    expect(world.ids).toEqual([]);
    expect(world.subscribers).toBe(35);
    expect(world.growth.place(world.now, "weur")).toBe("origin");
  });

  test("drains faster while its source pauses", () => {
    const world = grown(2);
    world.isOnline = false;
    for (const relay of world.relays.values()) relay.subscribers = 0;
    world.own = 10;
    world.pass(LOW_MS + 60_000);
    expect(world.actions("drain")[0]).toMatchObject({ overMs: 15_000 });
  });

  test("keeps a relay that others hang on, until those are gone", () => {
    const world = grown(3);
    world.link("room~weur~2", "up");
    for (const relay of world.relays.values()) relay.subscribers = 0;
    world.own = 0;
    world.pass(LOW_MS + 600_000);
    const closed = world.actions("close").map(({ id }) => id);
    expect(closed).toEqual([...closed].sort().reverse());
    expect(closed.length).toBeGreaterThanOrEqual(3);
  });

  test("takes a draining relay back when it needs one", () => {
    const world = grown(2);
    for (const relay of world.relays.values()) relay.subscribers = 0;
    world.own = 0;
    while (world.actions("drain").length === 0) world.pass(1000);
    const { id } = world.actions("drain")[0] ?? { id: "" };
    for (const relay of world.relays.values()) relay.subscribers = 450;
    world.own = 450;
    world.pass(1000);
    expect(world.actions("open").filter((action) => action.id === id).length).toBe(2);
    expect(world.growth.rows.every(({ draining }) => !draining)).toBe(true);
  });

  test("sleeps while its source pauses and its links are parked", () => {
    const world = grown(3);
    world.isOnline = false;
    world.pass(20_000);
    for (const id of world.ids) world.link(id, "parked");
    world.say();
    world.now += 1000;
    world.decide();
    expect(world.growth.dueAt).toBeUndefined();
    expect(world.growth.place(world.now, "weur")).toMatchObject({ relays: expect.any(Array) });
    world.now += 1000;
    world.decide();
    expect(world.growth.dueAt).toBeUndefined();
  });
});

test("subscribers that leave at once do not make the stream look heavier", () => {
  const world = new GrowthWorld();
  world.join(220);
  world.pass(5000);
  world.own = 5;
  const sends = { subscribers: 5, sendsPerSecond: 220 * 20, queuedBytes: 0 };
  for (let ms = 0; ms <= 1000; ms += 50) world.growth.own(world.now + ms, sends, new Map(), true);
  world.pass(1000);
  expect(world.join(200)).toBe(0);
  world.pass(10_000);
  expect(world.ids).toEqual([]);
});

test("a draining relay is not closed while nobody can tell that it is empty", () => {
  const world = grown(2);
  for (const relay of world.relays.values()) relay.subscribers = 0;
  world.own = 0;
  while (world.actions("drain").length === 0) world.pass(1000);
  const [drained] = world.actions("drain");
  world.link(drained?.id ?? "", "parked");
  world.pass(60_000);
  expect(world.ids).toContain(drained?.id);
  world.dial();
  world.pass(2000);
  expect(world.ids).not.toContain(drained?.id);
});
