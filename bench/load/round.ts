// One round: publishes for a while within a bounded window, drains, and says what arrived.
import { setTimeout as sleep } from "node:timers/promises";
import { PING_EVERY_MS } from "../../protocol/limits.ts";
import { cpuSeconds, residentBytes } from "../targets/process.ts";
import type { Source } from "./publisher.ts";
import { type Load, Pump, QUIET_MS } from "./pump.ts";
import type { BenchSubscriber } from "./subscriber.ts";

const SETTLING_FRAMES = 3;
const SAMPLE_MS = 20;

/** What came of it. Bytes are payload bytes. */
export interface Outcome {
  /** From the first frame published to the last one received. */
  readonly seconds: number;
  readonly published: number;
  readonly delivered: number;
  /** In so many WebSocket messages. */
  readonly messages: number;
  /** Neither received nor told to be missing, by the end of the drain. */
  readonly lost: number;
  /** Told to be missing. */
  readonly told: number;
  readonly deliveredBytesPerSecond: number;
  readonly targetCpuSeconds: number;
  readonly generatorCpuSeconds: number;
  /** The most of the target's resident memory during the round. */
  readonly peakBytes: number;
  /** From publishing to receiving, ms; only where it was asked for. */
  readonly latencies: readonly number[];
}

/**
 * Ends a pause of the load: some single frames, with a ping behind each. A room that hears nothing for long while a
 * client has bytes on their way takes it for a slow one; clients that are there all the time are not.
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

/** Runs one round. `subscribers` are those that count; others may be in the room. */
export async function runRound(
  pid: number,
  source: Source,
  subscribers: readonly BenchSubscriber[],
  load: Load,
  options: { readonly latencies?: boolean } = {},
): Promise<Outcome> {
  const before = subscribers.map(({ ledger, messages }) => ({
    frames: ledger.frames,
    told: ledger.told,
    lost: ledger.lost(0),
    messages,
  }));
  const first = source.published;
  const latencies: number[] = [];
  const beat = setInterval(() => {
    for (const subscriber of subscribers) subscriber.beat();
  }, PING_EVERY_MS);
  let peakBytes = residentBytes(pid);
  const sampler = setInterval(() => {
    peakBytes = Math.max(peakBytes, residentBytes(pid));
  }, SAMPLE_MS);
  for (const { ledger } of subscribers) {
    ledger.onFrame = options.latencies ? (sentAt) => void latencies.push(performance.now() - sentAt) : undefined;
  }
  const cpu = { target: cpuSeconds(pid), generator: process.cpuUsage() };
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
      targetCpuSeconds: cpuSeconds(pid) - cpu.target,
      generatorCpuSeconds: (generator.user + generator.system) / 1e6,
      peakBytes,
      latencies,
    };
  } finally {
    clearInterval(beat);
    clearInterval(sampler);
  }
}
