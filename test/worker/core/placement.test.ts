// The Worker's choice of a relay from a placement.
import fc from "fast-check";
import { expect, test } from "vitest";
import { choose, type Placement, without } from "../../../worker/core/placement.ts";

const placement = (...relays: [string, number, number][]): Placement => ({
  generation: 1,
  relays: relays.map(([id, weight, load]) => ({ id, weight, load })),
  freshMs: 2000,
});

/** Returns these numbers, one after the other. */
function chance(...numbers: number[]): () => number {
  return () => numbers.shift() ?? 0;
}

test("of two the less loaded is taken", () => {
  const two = placement(["a", 1, 0.9], ["b", 1, 0.1]);
  expect(choose(two, chance(0, 0.6))).toBe("b");
  expect(choose(two, chance(0.6, 0))).toBe("b");
  expect(choose(two, chance(0.1, 0.2))).toBe("a");
});

test("a relay comes up as often as its weight says", () => {
  const counts = { a: 0, b: 0 };
  const both = placement(["a", 30, 0.5], ["b", 10, 0.5]);
  for (let step = 0; step < 40; step++) counts[choose(both, chance((step + 0.5) / 40, 0)) as "a" | "b"]++;
  expect(counts).toEqual({ a: 30, b: 10 });
});

test("nobody is chosen from nobody, and one that turned a newcomer away is not chosen again", () => {
  expect(choose(placement(), Math.random)).toBeUndefined();
  const left = without(placement(["a", 5, 0], ["b", 1, 1]), "a");
  expect(left.relays.map(({ id }) => id)).toEqual(["b"]);
  expect(choose(left, chance(0.99, 0.99))).toBe("b");
});

test("the chosen relay is in the placement", () => {
  const relay = fc.tuple(
    fc.string({ minLength: 1 }),
    fc.integer({ min: 1, max: 2000 }),
    fc.double({ min: 0, max: 2, noNaN: true }),
  );
  const number = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(fc.array(relay, { minLength: 1 }), number, number, (relays, one, other) => {
      const chosen = choose(placement(...relays), chance(one, other));
      expect(relays.map(([id]) => id)).toContain(chosen);
    }),
  );
});
