// A recorder under all possible events: it has what it claims to have, and reports what it lacks.
import fc from "fast-check";
import { expect, test } from "vitest";
import { randomFrom } from "../../support/chaos-proxy.ts";
import { RecorderWorld } from "./support/recorder-world.ts";

const RUNS = { numRuns: Number(process.env.ROOMCAST_RUNS ?? 200) };

const event = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constant("publish" as const),
      count: fc.integer({ min: 1, max: 120 }),
      bytes: fc.oneof(fc.nat({ max: 200 }), fc.constant(0), fc.constant(3000)),
      everyMs: fc.constantFrom(0, 5, 40, 200, 1500),
      groupFrames: fc.constantFrom(1, 7, 50, 10_000),
      isEnd: fc.nat({ max: 9 }).map((one) => one === 0),
    }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("settle" as const), count: fc.nat({ max: 6 }) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("link" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("unlink" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("kill" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("epoch" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("lag" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("park" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("offline" as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("forget" as const), kept: fc.nat({ max: 200 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("bucket" as const), fails: fc.constantFrom(0, 0.33, 1) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("pass" as const), ms: fc.constantFrom(300, 6000, 40_000) }) },
);
type Event = typeof event extends fc.Arbitrary<infer T> ? T : never;

function apply(world: RecorderWorld, one: Event): void {
  switch (one.do) {
    case "publish":
      return world.publish(one.count, one.bytes, one.everyMs, one.groupFrames, one.isEnd);
    case "settle":
      return world.settle(one.count);
    case "epoch":
      return world.newEpoch();
    case "offline":
      return world.online(false);
    case "forget":
      return world.forget(one.kept);
    case "bucket":
      world.bucketFails = one.fails;
      return;
    case "pass":
      return world.pass(one.ms);
    default:
      return world[one.do]();
  }
}

test("A3 A4 every frame is in a segment with its bytes, or in a gap; no object is left that no row names", () => {
  fc.assert(
    fc.property(fc.array(event, { minLength: 5, maxLength: 60 }), fc.nat(), (events, seed) => {
      const world = new RecorderWorld(randomFrom(seed));
      world.link();
      for (const one of events) apply(world, one);
      world.link();
      world.finish();
      world.check();
    }),
    RUNS,
  );
});

test("A6 erased data is gone, whatever was on its way", () => {
  fc.assert(
    fc.property(fc.array(event, { minLength: 5, maxLength: 40 }), fc.nat(), (events, seed) => {
      const world = new RecorderWorld(randomFrom(seed));
      world.link();
      for (const one of events) apply(world, one);
      world.close();
      world.finish();
      expect([...world.bucket.keys()]).toEqual([]);
      expect(world.core.isOver).toBe(true);
    }),
    RUNS,
  );
});
