// Latency: from the write of a frame to its arrival at each subscriber, at the rate of a video.
import { BenchProducer, startBridgeProcess } from "./load/producer.ts";
import { BenchPublisher, type Source } from "./load/publisher.ts";
import type { Load } from "./load/pump.ts";
import { runRound, settle } from "./load/round.ts";
import { type BenchSubscriber, joinAll } from "./load/subscriber.ts";
import type { Emit } from "./report.ts";
import { median, round } from "./stats.ts";
import { startLoop } from "./targets/peers.ts";
import { startRoomcast } from "./targets/roomcast.ts";
import type { Target } from "./targets/target.ts";

/** One case; `framesPerSecond` is the rate. */
export interface LatencyCase extends Load {
  readonly framesPerSecond: number;
  readonly subscribers: number;
  readonly rounds: number;
}

/** A path of frames: the writer, and the room. */
interface Way {
  readonly path: "tcp-bridge" | "websocket";
  readonly target: Target;
  readonly source: Source;
  readonly subscribers: readonly BenchSubscriber[];
  readonly p50s: number[];
  readonly p99s: number[];
}

/**
 * TCP through the bridge into Roomcast, and a WebSocket into Roomcast, into the minimal object and into `against`,
 * another build.
 */
export async function latency(one: LatencyCase, against: string | undefined, emit: Emit): Promise<void> {
  await using bridged = await startRoomcast("framed");
  await using direct = await startRoomcast("framed");
  await using loop = await startLoop();
  await using other = against === undefined ? undefined : await startRoomcast("framed", against);
  await using bridge = await startBridgeProcess(bridged.url);
  const ways: Way[] = [];
  for (const target of [bridged, direct, loop, ...(other === undefined ? [] : [other])]) {
    const subscribers = await joinAll(target, one.subscribers, one.payloadBytes);
    const source =
      target === bridged
        ? await BenchProducer.join(bridge.port, bridged, one.payloadBytes)
        : await BenchPublisher.join(target, one.payloadBytes);
    ways.push({
      path: target === bridged ? "tcp-bridge" : "websocket",
      target,
      source,
      subscribers,
      p50s: [],
      p99s: [],
    });
  }
  // Every other round in the other order: no target always runs behind the same one.
  for (let turn = 1; turn <= one.rounds; turn++) {
    for (const way of turn % 2 === 1 ? ways : ways.toReversed()) await measure(way, turn, one, emit);
  }
  for (const { path, target, p50s, p99s } of ways) {
    const medians = { p50_ms: round(median(p50s)), p99_ms: round(median(p99s)) };
    emit({ bench: "latency-medians", target: target.name, path, ...paramsOf(one), rounds: one.rounds, ...medians });
  }
  for (const { source, subscribers } of ways) for (const connection of [source, ...subscribers]) connection.leave();
}

async function measure(way: Way, turn: number, one: LatencyCase, emit: Emit): Promise<void> {
  const { path, target, source, subscribers } = way;
  await settle(source, subscribers);
  const { latencies, delivered, lost, told } = await runRound(target.pid, source, subscribers, one, {
    latencies: true,
  });
  const [p50, p99, most] = [0.5, 0.99, 1].map((share) => round(latencies.quantile(share)));
  way.p50s.push(p50 ?? Number.NaN);
  way.p99s.push(p99 ?? Number.NaN);
  emit({
    bench: "latency",
    target: target.name,
    path,
    ...paramsOf(one),
    round: turn,
    delivered_frames: delivered,
    lost_frames: lost,
    told_missing_frames: told,
    p50_ms: p50 ?? Number.NaN,
    p99_ms: p99 ?? Number.NaN,
    max_ms: most ?? Number.NaN,
  });
}

function paramsOf({ subscribers, payloadBytes, framesPerSecond, seconds }: LatencyCase) {
  return { subscribers, payload_bytes: payloadBytes, frames_per_second: framesPerSecond, seconds };
}
