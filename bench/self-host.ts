// `roomcast serve` on three instances that share a bucket: joins through the room's own instance and through another,
// with relays and without.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HEADER_BYTES } from "../protocol/frame.ts";
import { TestCluster } from "../test/support/cluster.ts";
import type { TestRoom } from "../test/support/local-room.ts";
import { BenchPublisher } from "./load/publisher.ts";
import type { Load } from "./load/pump.ts";
import { runRound, settle } from "./load/round.ts";
import { type BenchSubscriber, joinAll } from "./load/subscriber.ts";
import { objectsOf } from "./relays/spread.ts";
import type { Emit } from "./report.ts";
import { median, round } from "./stats.ts";
import type { Target } from "./targets/target.ts";

const INSTANCES = 3;
const FRAME_BYTES = 4096;
const SUBSCRIBERS = 240;
/** A rate that all ways can keep, so that they differ in processor time. */
const FRAMES_PER_SECOND = 30;

/** A case: the instances through which subscribers join, and the target number of subscribers of an object. */
interface Way {
  readonly name: string;
  readonly instances: readonly number[];
  readonly relays: boolean;
}

const WAYS: readonly Way[] = [
  { name: "owner", instances: [0], relays: false },
  { name: "peer", instances: [1], relays: false },
  { name: "relays", instances: [0, 1, 2], relays: true },
];

export interface SelfHostCase {
  readonly seconds: number;
  readonly rounds: number;
}

interface Room {
  readonly way: Way;
  readonly publisher: BenchPublisher;
  readonly subscribers: readonly BenchSubscriber[];
  readonly cluster: TestCluster;
  readonly rates: number[];
  readonly cpuPerGigabyte: number[];
}

/**
 * Rounds alternate between the ways, so that other work on the machine affects all. Deliveries are as fast as the
 * room's window allows.
 */
export async function selfHost({ seconds, rounds }: SelfHostCase, emit: Emit): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "roomcast-bench-"));
  try {
    await using alone = await TestCluster.start(join(folder, "one"), INSTANCES, 1, { MAX_RELAYS: "0" });
    const few = String(Math.ceil(SUBSCRIBERS / 8));
    await using spread = await TestCluster.start(join(folder, "many"), INSTANCES, 1, { MAX_OBJECT_SUBSCRIBERS: few });
    const rooms: Room[] = [];
    for (const way of WAYS) rooms.push(await open(way, way.relays ? spread : alone));
    const fast = { payloadBytes: FRAME_BYTES, windowBytes: 1024 * 1024, seconds };
    for (const load of [fast, { ...fast, framesPerSecond: FRAMES_PER_SECOND }]) {
      for (const { rates, cpuPerGigabyte } of rooms) rates.length = cpuPerGigabyte.length = 0;
      for (let turn = 0; turn <= rounds; turn++) for (const room of rooms) await measure(room, load, turn, emit);
      summarize(rooms, load, emit);
    }
    for (const { publisher, subscribers } of rooms) for (const each of [publisher, ...subscribers]) each.leave();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function summarize(rooms: readonly Room[], { framesPerSecond }: Load, emit: Emit): void {
  const [owner = Number.NaN] = rooms.map(({ rates }) => median(rates));
  const [ownerCpu = Number.NaN] = rooms.map(({ cpuPerGigabyte }) => median(cpuPerGigabyte));
  for (const { way, rates, cpuPerGigabyte } of rooms) {
    emit({
      ...{ bench: "self-host-ratios", way: way.name, subscribers: SUBSCRIBERS, payload_bytes: FRAME_BYTES },
      pace: framesPerSecond ?? "fastest",
      rounds: rates.length,
      delivered_mb_per_second: round(median(rates)),
      cpu_seconds_per_gb: round(median(cpuPerGigabyte)),
      over_owner_deliveries: round(median(rates) / owner, 3),
      over_owner_cpu: round(median(cpuPerGigabyte) / ownerCpu, 3),
    });
  }
}

async function open(way: Way, cluster: TestCluster): Promise<Room> {
  const room = await cluster.createRoom();
  const publisher = await BenchPublisher.join(targetOf(cluster, room, 0), FRAME_BYTES);
  const subscribers: BenchSubscriber[] = [];
  for (let turn = 0; subscribers.length < SUBSCRIBERS; turn++) {
    const through = targetOf(cluster, room, way.instances[turn % way.instances.length] ?? 0);
    subscribers.push(...(await joinAll(through, 6, FRAME_BYTES, 6)));
    await settle(publisher, subscribers);
  }
  return { way, publisher, subscribers, cluster, rates: [], cpuPerGigabyte: [] };
}

async function measure(room: Room, load: Load, turn: number, emit: Emit): Promise<void> {
  const { way, publisher, subscribers, cluster, rates, cpuPerGigabyte } = room;
  await settle(publisher, subscribers);
  const pids = cluster.servers.map((server) => server.pidOf("workerd"));
  const outcome = await runRound(pids, publisher, subscribers, load);
  // The first round is a warm-up and is not counted.
  if (turn === 0) return;
  const health = await Promise.all(cluster.servers.map((server) => server.health()));
  const perGigabyte = outcome.targetCpuSeconds / ((outcome.delivered * load.payloadBytes) / 1e9);
  rates.push(outcome.deliveredBytesPerSecond / 1e6);
  cpuPerGigabyte.push(perGigabyte);
  emit({
    ...{ bench: "self-host", way: way.name, subscribers: subscribers.length, payload_bytes: load.payloadBytes },
    ...{ pace: load.framesPerSecond ?? "fastest", round: turn, objects: objectsOf(subscribers) },
    ...Object.fromEntries(health.map(({ worker }, index) => [`relays_at_${index}`, worker.relays ?? 0])),
    delivered_frames: outcome.delivered,
    lost_frames: outcome.lost,
    told_missing_frames: outcome.told,
    delivered_mb_per_second: round(outcome.deliveredBytesPerSecond / 1e6),
    cpu_seconds_per_gb: round(perGigabyte),
    processors_used: round(outcome.targetCpuSeconds / outcome.seconds),
    generator_cpu_share: round(outcome.generatorCpuSeconds / outcome.seconds, 3),
  });
}

function targetOf(cluster: TestCluster, { room, tokens }: TestRoom, index: number): Target {
  const { port } = new URL(cluster.server(index).url);
  const handshake = (role: string, token: string) => ({
    port: Number(port),
    path: `/rooms/${room}/ws?role=${role}${role === "subscribe" ? "&ping=1000" : ""}`,
    headers: { authorization: `Bearer ${token}`, "sec-websocket-protocol": "roomcast.v1" },
  });
  return {
    name: `instance-${index}`,
    pid: cluster.server(index).pidOf("workerd"),
    publisher: handshake("publish", tokens.publish),
    subscriber: handshake("subscribe", tokens.subscribe),
    isRoomcast: true,
    headerBytes: HEADER_BYTES,
    pings: true,
    [Symbol.asyncDispose]: async () => {},
  };
}
