// `npm run bench`: measures, and prints one line of JSON for each measurement. See README.md.
import { parseArgs } from "node:util";
import { bridge, bridgeIdle } from "./bridge.ts";
import { core } from "./core.ts";
import { cost } from "./cost.ts";
import { events } from "./events.ts";
import { type FanOutCase, fanOut } from "./fan-out.ts";
import { held } from "./held.ts";
import { idle } from "./idle.ts";
import { isolation } from "./isolation.ts";
import { join } from "./join.ts";
import { journal } from "./journal.ts";
import { latency } from "./latency.ts";
import { memory } from "./memory.ts";
import { recording } from "./recording.ts";
import { relays } from "./relays.ts";
import { emitLine } from "./report.ts";
import { selfHost } from "./self-host.ts";
import { stalled } from "./stalled.ts";
import { startTargets, TARGETS, type TargetName } from "./targets/choose.ts";
import type { Target } from "./targets/target.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

/** Subscribers and payload bytes; the window keeps the data that waits in a target below 256 MiB. */
const FAN_OUTS: readonly (readonly [number, number])[] = [
  [100, KIB],
  [100, 16 * KIB],
  [500, 2 * KIB],
  [1000, 16 * KIB],
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "1" },
    targets: { type: "string", default: TARGETS.join(",") },
    against: { type: "string" },
    kinds: { type: "string" },
    subscribers: { type: "string", default: "100,500,1000" },
    "frame-kib": { type: "string", default: "64,256,1024,4096" },
  },
});
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);
const names = values.targets.split(",").map((name): TargetName => {
  const target = TARGETS.find((one) => one === name);
  if (target === undefined) throw new Error(`the targets are ${TARGETS.join(", ")}`);
  return target;
});

const BENCHES: Readonly<Record<string, () => Promise<void>>> = {
  "fan-out": async () => {
    for (const [subscribers, payloadBytes] of FAN_OUTS) {
      const windowBytes = Math.min(MIB, Math.floor((256 * MIB) / subscribers));
      await sideBySide({ bench: "fan-out", subscribers, payloadBytes, windowBytes, seconds, rounds });
    }
  },
  records: () =>
    sideBySide({
      ...{ bench: "records", subscribers: 100, payloadBytes: 200, windowBytes: MIB / 2, seconds, rounds },
      framesPerSecond: 20_000,
    }),
  latency: () =>
    latency(
      { subscribers: 50, payloadBytes: 16 * KIB, windowBytes: 8 * MIB, framesPerSecond: 30, seconds: 4, rounds },
      values.against,
      emitLine,
    ),
  recording: () => recording({ subscribers: 50, payloadBytes: 16 * KIB, seconds, rounds }, emitLine),
  isolation: () =>
    oneByOne((target) => {
      const load = { payloadBytes: 16 * KIB, windowBytes: MIB, framesPerSecond: 30, seconds, rounds };
      return isolation({ ...load, healthy: 80, stalled: 20 }, target, emitLine);
    }),
  stalled: async () => {
    const load = { payloadBytes: 16 * KIB, windowBytes: MIB, seconds: 60, frames: 4096, healthy: 20 };
    for (const count of [0, 20]) await oneByOne((target) => stalled({ ...load, stalled: count }, target, emitLine));
  },
  memory: async () => {
    const numbers = (text: string) => text.split(",").map(Number);
    const cells = { subscribers: numbers(values.subscribers), frameKib: numbers(values["frame-kib"]) };
    const isKept = await memory({ ...cells, kinds: values.kinds?.split(","), against: values.against }, emitLine);
    if (!isKept) process.exitCode = 1;
  },
  idle: () => oneByOne((target) => idle(1000, target, emitLine)),
  held: () => held(500, emitLine),
  join: () => oneByOne((target) => join({ joins: 300, concurrent: 10, payloadBytes: 16 * KIB }, target, emitLine)),
  relays: () => relays({ rounds, seconds, against: values.against, kinds: values.kinds?.split(",") }, emitLine),
  cost: async () => cost(emitLine),
  events: () => events({ subscribers: 100, payloadBytes: 16 * KIB, seconds, rounds }, emitLine),
  journal: async () => {
    for (const subscribers of [1, 100, 1000])
      journal({ subscribers, payloadBytes: KIB, frames: 3000, rounds }, emitLine);
  },
  "self-host": () => selfHost({ seconds, rounds }, emitLine),
  bridge: async () => {
    for (const producers of [1, 50]) await bridge({ producers, bytes: 256 * MIB, rounds }, emitLine);
    await bridgeIdle(1000, emitLine);
  },
  core: async () => {
    for (const subscribers of [100, 1000]) {
      for (const [framed, everyMs] of [
        [true, 1000],
        [true, 1],
        [false, 1],
      ] as const) {
        core({ subscribers, payloadBytes: KIB, framed, everyMs, rounds, frames: 2000 }, emitLine);
      }
    }
  },
};

const chosen = positionals.length === 0 ? Object.keys(BENCHES) : positionals;
for (const name of chosen) {
  const run = BENCHES[name];
  if (run === undefined) throw new Error(`the benchmarks are ${Object.keys(BENCHES).join(", ")}`);
  await run();
}

async function sideBySide(one: FanOutCase): Promise<void> {
  await using targets = await startTargets(names, values.against);
  await fanOut(one, targets.all, emitLine);
}

/** Starts each target alone, because its process is measured. */
async function oneByOne(measure: (target: Target) => Promise<void>): Promise<void> {
  for (const name of names) {
    await using targets = await startTargets([name], values.against);
    for (const target of targets.all) await measure(target);
  }
}
