// One round: publishes for a while within a bounded window, drains, and returns what arrived.
import { setTimeout as sleep } from "node:timers/promises";
import { Histogram } from "../../load/accounting/histogram.ts";
import { PING_EVERY_MS } from "../../protocol/limits.ts";
import { cpuSeconds, residentBytes } from "../targets/process.ts";
import type { Source } from "./publisher.ts";
import { type Load, Pump, QUIET_MS } from "./pump.ts";
import type { BenchSubscriber } from "./subscriber.ts";

const SETTLING_FRAMES = 3;
const SAMPLE_MS = 20;

/** The result of a round. Bytes are payload bytes. */
export interface Outcome {
  /** From the first frame published to the last one received. */
  readonly seconds: number;
  readonly published: number;
  readonly delivered: number;
  /** The number of WebSocket messages. */
  readonly messages: number;
  /** Neither received nor reported missing, by the end of the drain. */
  readonly lost: number;
  /** Reported missing. */
  readonly told: number;
  readonly deliveredBytesPerSecond: number;
  readonly targetCpuSeconds: number;
  readonly generatorCpuSeconds: number;
  /** The maximum of the target's resident memory during the round. */
  readonly peakBytes: number;
  /** From publishing to receiving; empty if it was not requested. */
  readonly latencies: Histogram;
}

/**
 * Ends a pause of the load: some single frames, with a ping behind each. If a room hears nothing for long while a
 * client has bytes on their way, it considers the client slow. That does not happen to clients that are always active.
 */
export async function settle(source: Source, subscribers: readonly BenchSubscriber[]): Promise<void> {
  for (let count = 0; count < SETTLING_FRAMES; count++) {
    source.publish(1);
    const deadline = performance.now() + QUIET_MS;
    const arrived = () => subscribers.every(({ ledger, isAsking }) => ledger.position >= source.published && !isAsking);
    while (!arrived() && performance.now() < deadline) await sleep(5);
    for (const subscriber of subscribers) subscriber.beat();
    while (!arrived() && performance.now() < deadline) await sleep(5);
  }
}

/**
 * Runs one round. `target`: its process, or its processes. `subscribers` are measured; the room may have others.
 * `latencies`: of all together, or separated by its result.
 */
export async function runRound(
  target: number | readonly number[],
  source: Source,
  subscribers: readonly BenchSubscriber[],
  load: Load,
  options: { readonly latencies?: true | ((subscriber: BenchSubscriber) => Histogram) } = {},
): Promise<Outcome> {
  const before = subscribers.map(({ ledger, messages }) => ({
    frames: ledger.frames,
    told: ledger.told,
    lost: ledger.lost(0),
    messages,
  }));
  const first = source.published;
  const latencies = new Histogram();
  const beat = setInterval(() => {
    for (const subscriber of subscribers) subscriber.beat();
  }, PING_EVERY_MS);
  const pids = typeof target === "number" ? [target] : target;
  const sumOf = (figure: (pid: number) => number) => pids.reduce((sum, pid) => sum + figure(pid), 0);
  let peakBytes = sumOf(residentBytes);
  const sampler = setInterval(() => {
    peakBytes = Math.max(peakBytes, sumOf(residentBytes));
  }, SAMPLE_MS);
  for (const subscriber of subscribers) subscriber.onFrame = timing(subscriber, latencies, options.latencies);
  const cpu = { target: sumOf(cpuSeconds), generator: process.cpuUsage() };
  const startedAt = performance.now();
  try {
    const endedAt = await new Pump(source, subscribers, load).run();
    const generator = process.cpuUsage(cpu.generator);
    const seconds = (endedAt - startedAt) / 1000;
    const sum = (of: (subscriber: BenchSubscriber, index: number) => number) =>
      subscribers.reduce((total, one, index) => total + of(one, index), 0);
    const delivered = sum(({ ledger }, index) => ledger.frames - (before[index]?.frames ?? 0));
    return {
      seconds,
      published: source.published - first,
      delivered,
      lost: sum(({ ledger }, index) => ledger.lost(source.published) - (before[index]?.lost ?? 0)),
      told: sum(({ ledger }, index) => ledger.told - (before[index]?.told ?? 0)),
      messages: sum((subscriber, index) => subscriber.messages - (before[index]?.messages ?? 0)),
      deliveredBytesPerSecond: (delivered * load.payloadBytes) / seconds,
      targetCpuSeconds: sumOf(cpuSeconds) - cpu.target,
      generatorCpuSeconds: (generator.user + generator.system) / 1e6,
      peakBytes,
      latencies,
    };
  } finally {
    clearInterval(beat);
    clearInterval(sampler);
  }
}

/** The histogram for a frame's arrival: the round's, or that of a group of subscribers. */
function timing(
  subscriber: BenchSubscriber,
  all: Histogram,
  wanted: true | ((subscriber: BenchSubscriber) => Histogram) | undefined,
): ((sentAt: number) => void) | undefined {
  if (wanted === undefined) return undefined;
  const histogram = wanted === true ? all : wanted(subscriber);
  return (sentAt) => histogram.add(performance.now() - sentAt);
}
