// A publisher that waits for one `reliable` subscriber: the target's processor time while nothing moves.
import { setTimeout as sleep } from "node:timers/promises";
import { Wire } from "../load/wire.ts";
import { BenchPublisher } from "./load/publisher.ts";
import { joinAll } from "./load/subscriber.ts";
import type { Emit } from "./report.ts";
import { round } from "./stats.ts";
import { cpuSeconds } from "./targets/process.ts";
import { startRoomcast } from "./targets/roomcast.ts";

const FRAME_BYTES = 64 * 1024;
const HELD_SECONDS = 20;
/** Time for the kernel to take the other subscribers' data, and for all gathered frames to leave. */
const REST_MS = 2000;

/** `subscribers` take part and have everything; one more gives no credit. */
export async function held(subscribers: number, emit: Emit): Promise<void> {
  await using target = await startRoomcast("framed", undefined, { historyBytes: 1024 * 1024 });
  const others = await joinAll(target, subscribers, FRAME_BYTES);
  const { port, path, headers } = target.subscriber;
  const reliable = await Wire.open(
    { port, path: `${path}&delivery=reliable`, headers: { ...headers, authorization: `Bearer ${target.adminToken}` } },
    { data: () => {}, text: () => {}, closed: () => {} },
  );
  const publisher = await BenchPublisher.join(target, FRAME_BYTES);
  while (publisher.isReady && publisher.published < 1000) {
    publisher.publish(1);
    await sleep(20);
  }
  await sleep(REST_MS);
  const before = cpuSeconds(target.pid);
  await sleep(HELD_SECONDS * 1000);
  emit({
    bench: "held",
    target: target.name,
    subscribers,
    published_frames: publisher.published,
    is_held: publisher.isReady ? "no" : "yes",
    seconds: HELD_SECONDS,
    target_cpu_percent: round((100 * (cpuSeconds(target.pid) - before)) / HELD_SECONDS, 3),
  });
  for (const one of [publisher, ...others]) one.leave();
  reliable.destroy();
}
