// Two rooms that differ in one thing: fan-out and latency of both, in turns, and how they compare.
import { BenchPublisher } from "./load/publisher.ts";
import { runRound, settle } from "./load/round.ts";
import { type BenchSubscriber, joinAll } from "./load/subscriber.ts";
import { median, round } from "./stats.ts";
import type { RoomcastTarget } from "./targets/roomcast.ts";

/** One case; `seconds` of each load in each round. */
export interface PairCase {
  readonly subscribers: number;
  readonly payloadBytes: number;
  readonly seconds: number;
  readonly rounds: number;
}

const FRAMES_PER_SECOND = 30;
const FAN_OUT_WINDOW_BYTES = 1024 * 1024;
const LATENCY_WINDOW_BYTES = 8 * 1024 * 1024;

interface Room {
  readonly name: string;
  readonly target: RoomcastTarget;
  readonly publisher: BenchPublisher;
  readonly subscribers: readonly BenchSubscriber[];
  readonly mbPerSecond: number[];
  readonly cpuSecondsPerGb: number[];
  readonly p50s: number[];
  readonly p99s: number[];
  lost: number;
}

/** Two rooms by name: the one that is looked at, and the one that it is held against. Everybody stays until `leave`. */
export class Pair {
  readonly #one: PairCase;
  readonly #rooms: readonly [Room, Room];

  private constructor(one: PairCase, rooms: readonly [Room, Room]) {
    this.#one = one;
    this.#rooms = rooms;
  }

  static async join(one: PairCase, first: [string, RoomcastTarget], second: [string, RoomcastTarget]): Promise<Pair> {
    return new Pair(one, [await fill(...first, one), await fill(...second, one)]);
  }

  /** Measures, and resolves with the medians of both, and medians of ratios within a round. */
  async measure(): Promise<Record<string, number>> {
    const rooms = this.#rooms;
    // The first round is a warm-up and is not counted.
    for (let turn = 0; turn <= this.#one.rounds; turn++) {
      for (const room of turn % 2 === 0 ? rooms : rooms.toReversed()) await measure(room, this.#one, turn > 0);
    }
    const ratio = (figures: (room: Room) => number[]) => {
      const base = figures(rooms[1]);
      return round(median(figures(rooms[0]).map((figure, index) => figure / (base[index] ?? Number.NaN))));
    };
    return {
      subscribers: this.#one.subscribers,
      payload_bytes: this.#one.payloadBytes,
      frames_per_second: FRAMES_PER_SECOND,
      rounds: this.#one.rounds,
      ...mediansOf(rooms[0]),
      ...mediansOf(rooms[1]),
      mb_per_second_ratio: ratio((room) => room.mbPerSecond),
      cpu_ratio: ratio((room) => room.cpuSecondsPerGb),
      p50_ratio: ratio((room) => room.p50s),
      p99_ratio: ratio((room) => room.p99s),
    };
  }

  leave(): void {
    for (const { subscribers, publisher } of this.#rooms)
      for (const connection of [...subscribers, publisher]) connection.leave();
  }
}

/** An answer of the API of the target's room, for its admin. */
export async function ask<T>({ url, room, adminToken }: RoomcastTarget, path: string): Promise<T> {
  const response = await fetch(`${url}/api/rooms/${room}${path}`, {
    headers: { authorization: `Bearer ${adminToken}` },
  });
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return (await response.json()) as T;
}

function mediansOf({ name, mbPerSecond, cpuSecondsPerGb, p50s, p99s, lost }: Room): Record<string, number> {
  return {
    [`${name}_mb_per_second`]: round(median(mbPerSecond)),
    [`${name}_cpu_seconds_per_gb`]: round(median(cpuSecondsPerGb)),
    [`${name}_p50_ms`]: round(median(p50s)),
    [`${name}_p99_ms`]: round(median(p99s)),
    [`${name}_lost_frames`]: lost,
  };
}

async function fill(name: string, target: RoomcastTarget, one: PairCase): Promise<Room> {
  const subscribers = await joinAll(target, one.subscribers, one.payloadBytes);
  const publisher = await BenchPublisher.join(target, one.payloadBytes);
  return { name, target, publisher, subscribers, mbPerSecond: [], cpuSecondsPerGb: [], p50s: [], p99s: [], lost: 0 };
}

/** As fast as it goes, then at the pace of a video. */
async function measure(room: Room, one: PairCase, counts: boolean): Promise<void> {
  const { target, publisher, subscribers } = room;
  await settle(publisher, subscribers);
  const fast = await runRound(target.pid, publisher, subscribers, { ...one, windowBytes: FAN_OUT_WINDOW_BYTES });
  await settle(publisher, subscribers);
  const paced = { ...one, windowBytes: LATENCY_WINDOW_BYTES, framesPerSecond: FRAMES_PER_SECOND };
  const slow = await runRound(target.pid, publisher, subscribers, paced, { latencies: true });
  if (!counts) return;
  room.mbPerSecond.push(fast.deliveredBytesPerSecond / 1e6);
  room.cpuSecondsPerGb.push(fast.targetCpuSeconds / ((fast.deliveredBytesPerSecond * fast.seconds) / 1e9));
  room.p50s.push(slow.latencies.quantile(0.5));
  room.p99s.push(slow.latencies.quantile(0.99));
  room.lost += fast.lost + slow.lost;
}
