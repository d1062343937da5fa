// The result of a run, compared with the goals.
import { costOf, costOfJoins, type Second } from "./figures.ts";
import type { Simulation } from "./simulation.ts";

/** The limits of a run. */
export const GOALS = {
  secondsOverBudget: 10,
  movesPerSubscriber: 1,
  originRequestsPerSecond: 999,
  depth: 3,
  objectsAtEnd: 1,
};

/** After this time without changes, the room has settled. */
const CALM_SECONDS = 5;

/** The room at rest: the minute before the first subscribers leave. */
const REST_SECONDS = 60;

export type Result = ReturnType<typeof resultOf>;

export function resultOf(run: Simulation) {
  const { shape, seconds, audience } = run;
  const end = shape.leave.at - 1;
  const rest = seconds.slice(end - REST_SECONDS, end);
  const objects = most(rest, (one) => one.objects);
  const cost = costOf({
    objects,
    framesPerSecond: shape.framesPerSecond,
    reportsPerSecond: run.reportsPerSecond(end - REST_SECONDS, end),
    asksPerSecond: rest.reduce((sum, { originRequests }) => sum + originRequests, 0) / REST_SECONDS,
  });
  return {
    shape: shape.name,
    subscribers: shape.subscribers,
    framesPerSecond: shape.framesPerSecond,
    objects,
    mostObjects: most(seconds, (one) => one.objects),
    objectsAtEnd: seconds.at(-1)?.objects ?? 0,
    depth: run.depth,
    highestLoad: round(run.loads.highest, 3),
    secondsOverBudget: run.loads.mostSecondsOver,
    moves: run.moves,
    movesPerSubscriber: round(run.moves / shape.subscribers, 3),
    cameBackAfterDeath: run.relays.died,
    originRequestsPerSecond: most(seconds, (one) => one.originRequests),
    toldToComeBack: run.turnedAway,
    joinSeconds: { p50: audience.waitSeconds(0.5), p99: audience.waitSeconds(0.99), most: audience.waitSeconds(1) },
    settledAfterJoinSeconds: settled(seconds, shape.joinSeconds),
    settledAfterDeathSeconds: settled(seconds, shape.death.at),
    dollarsPerHour: Object.fromEntries(Object.entries(cost).map(([name, value]) => [name, round(value, 4)])),
    dollarsForJoining: round(costOfJoins(shape.subscribers), 4),
  };
}

/** The missed goals, in words. */
export function missed(result: Result): string[] {
  const names = Object.keys(GOALS) as (keyof typeof GOALS)[];
  return names
    .filter((name) => result[name] > GOALS[name])
    .map((name) => `${name} ${result[name]}, goal ${GOALS[name]}`);
}

export function textOf(result: Result, misses: readonly string[]): string {
  const { joinSeconds: join, dollarsPerHour: cost } = result;
  const rows: readonly [string, string][] = [
    ["objects at rest / most", `${result.objects} / ${result.mostObjects}`],
    ["depth", `${result.depth}`],
    ["highest load", `${Math.round(100 * result.highestLoad)} % of the budget`],
    ["longest over the budget", `${result.secondsOverBudget} s`],
    ["moves per subscriber", `${result.movesPerSubscriber} (${result.moves})`],
    ["came back after a region died", `${result.cameBackAfterDeath}`],
    ["requests to the origin", `at most ${result.originRequestsPerSecond} a second`],
    ["told to come back later", `${result.toldToComeBack}`],
    ["join p50 / p99 / longest", `${join.p50} / ${join.p99} / ${join.most} s`],
    ["settled after the last join", `${result.settledAfterJoinSeconds} s`],
    ["settled after a region died", `${result.settledAfterDeathSeconds} s`],
    [
      "cost per hour at rest",
      `$${cost.total} (objects ${cost.objects}, frames ${cost.frames}, reports ${cost.reports}, questions ${cost.asks})`,
    ],
    ["cost of joining", `$${result.dollarsForJoining}`],
    ["goals", misses.length === 0 ? "kept" : `missed: ${misses.join("; ")}`],
  ];
  const head = `${result.shape}: ${result.subscribers} subscribers, ${result.framesPerSecond} frames/s`;
  return [head, ...rows.map(([name, value]) => `  ${name.padEnd(31)}${value}`), ""].join("\n");
}

/** Seconds after `from` until nobody waited and no relay came or went for a while. */
function settled(seconds: readonly Second[], from: number): number {
  let at = from;
  let before = seconds[from - 1]?.objects;
  for (const { second, objects, waiting } of seconds.slice(from)) {
    if (waiting > 0 || objects !== before) at = second;
    if (second - at >= CALM_SECONDS) break;
    before = objects;
  }
  return at - from;
}

function most(seconds: readonly Second[], of: (one: Second) => number): number {
  return seconds.reduce((highest, one) => Math.max(highest, of(one)), 0);
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
