// The simulation itself: it follows its own rules, meets its goals, and reports missed goals.
import { expect, test } from "vitest";
import { chartOf } from "../../bench/simulate/chart.ts";
import { missed, resultOf, textOf } from "../../bench/simulate/result.ts";
import { SHAPES, type Shape } from "../../bench/simulate/shape.ts";
import { Simulation } from "../../bench/simulate/simulation.ts";

const [small] = SHAPES;
if (small === undefined) throw new Error("there are shapes");
const SHAPE: Shape = {
  ...small,
  ...{ name: "test", subscribers: 2000, isolatesPerRegion: 10, joinSeconds: 20 },
  leave: { at: 90, share: 1 / 3, overSeconds: 10 },
  death: { at: 110, region: "weur", outageSeconds: 10 },
  end: { at: 140, overSeconds: 10 },
};

function simulated(shape: Shape, seed = 1): Simulation {
  const run = new Simulation(shape, seed);
  run.run();
  return run;
}

test("two thousand come, lose a region and go: every goal is kept, and it is drawn", () => {
  const run = simulated(SHAPE);
  const result = resultOf(run);
  expect(missed(result)).toEqual([]);
  expect(Math.max(...run.seconds.map(({ subscribers }) => subscribers))).toBe(2000);
  expect(result).toMatchObject({ objectsAtEnd: 1, toldToComeBack: 0, secondsOverBudget: 0 });
  expect(result.objects).toBeGreaterThan(2000 / 450);
  expect(result.cameBackAfterDeath).toBeGreaterThan(0);
  expect(run.audience.waiting).toBe(0);
  expect(textOf(result, [])).toContain("kept");
  const svg = chartOf(SHAPE, run.seconds);
  expect(svg.match(/<polyline /g)?.length).toBe(8);
  expect(svg).not.toMatch(/NaN|undefined|Infinity/);
});

test("the same seed is the same run, and a small room is one object", () => {
  const [one, other] = [1, 1].map((seed) => resultOf(simulated({ ...SHAPE, subscribers: 150 }, seed)));
  expect(one).toEqual(other);
  expect(one).toMatchObject({ mostObjects: 1, depth: 0, moves: 0 });
});

test("a room that may not grow misses people, not the budget, and the missed goals are reported", () => {
  const run = simulated({ ...SHAPE, maxRelays: 1, untilSeconds: 40 });
  expect(run.turnedAway).toBeGreaterThan(0);
  expect(run.loads.mostSecondsOver).toBe(0);
  expect(missed(resultOf(run))).toEqual(["objectsAtEnd 2, goal 1"]);
});
