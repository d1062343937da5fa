// S6, S7: a subscriber that stops reading costs the room a bounded amount of memory, and costs no other subscriber a
// frame.
import { afterAll, expect, test } from "vitest";
import type { Runtime } from "../../cli/runtime.ts";
import { Publisher } from "../../client/index.ts";
import { nodeEnvironment } from "../../client/node.ts";
import { Flag } from "../../protocol/frame.ts";
import { createRoom, startTestRuntime } from "../support/local-room.ts";
import { memoryOf, workerds } from "../support/processes.ts";
import { RawSubscriber } from "../support/raw-subscriber.ts";
import { waitFor } from "../support/wait.ts";

const MiB = 1024 * 1024;
const FRAME_BYTES = 64 * 1024;
const FRAMES = 400 * 16;
const GROUP = 16;

const runtimes: Runtime[] = [];
afterAll(() => Promise.all(runtimes.map((runtime) => runtime.close())));

/** Streams 400 MiB to four healthy subscribers and `stalled` ones. Returns the growth of the runtime's memory. */
async function stream(stalled: readonly { framed: boolean }[]) {
  const before = workerds();
  const runtime = await startTestRuntime();
  runtimes.push(runtime);
  const [pid = 0] = workerds().filter((one) => !before.includes(one));
  const { room, tokens } = await createRoom(runtime.url);
  const url = `${runtime.url.replace("http", "ws")}/rooms/${room}/ws`;
  const join = (framed: boolean) => new RawSubscriber(url, tokens.subscribe, { framed }).opened();
  const healthy = await Promise.all(Array.from({ length: 4 }, (_, index) => join(index % 2 === 0)));
  const stopped = await Promise.all(stalled.map(({ framed }) => join(framed)));
  for (const { socket } of stopped) socket.pause();
  const idle = memoryOf(pid, "VmRSS");
  let peak = idle;
  const publisher = new Publisher({
    url: runtime.url,
    room,
    token: tokens.publish,
    environment: nodeEnvironment,
    maxBufferBytes: 4 * MiB,
  });
  const payload = new Uint8Array(FRAME_BYTES).fill(7);
  for (let index = 0; index < FRAMES; index++) {
    await publisher.write([{ payload, flags: index % GROUP === 0 ? Flag.key : 0 }]);
    // A subscriber that keeps up is healthy, however the machine shares its time between the readers here.
    const sent = (index + 1) * FRAME_BYTES;
    await waitFor("the healthy ones to keep up", () =>
      healthy.every((one) => sent - one.bytes < 2 * MiB || one.closed),
    );
    if (index % 32 === 0) peak = Math.max(peak, memoryOf(pid, "VmRSS"));
  }
  await waitFor(
    "healthy ones to have all",
    () => healthy.every((one) => one.bytes >= FRAMES * FRAME_BYTES || one.closed),
    60_000,
  );
  peak = Math.max(peak, memoryOf(pid, "VmRSS"));
  return { growth: peak - idle, healthy, stopped, publisher, payload };
}

test("S6 400 MiB past stalled subscribers: bounded memory, nothing lost for others, the truth for the stalled", async () => {
  const without = await stream([]);
  await without.publisher.end();
  const within = await stream([{ framed: true }, { framed: false }]);
  console.log(
    `RSS growth: ${(without.growth / MiB).toFixed(1)} MiB without, ${(within.growth / MiB).toFixed(1)} MiB with`,
  );
  for (const { healthy } of [without, within]) {
    for (const one of healthy) {
      expect({ fault: one.fault, gaps: one.gaps, closed: one.closed }).toEqual({
        fault: undefined,
        gaps: [],
        closed: undefined,
      });
    }
  }
  expect(within.growth).toBeLessThan(without.growth + 32 * MiB);
  const [framed, plain] = within.stopped;
  framed?.socket.resume();
  plain?.socket.resume();
  const isThere = () => framed?.gaps.length === 1 && framed.next === FRAMES;
  await waitFor("the stalled one to be at the end", isThere, 20_000).catch((e) => {
    console.log(
      framed?.gaps,
      framed?.next,
      framed?.texts.slice(-5),
      framed?.closed,
      framed?.fault,
      plain?.bytes,
      plain?.closed,
    );
    throw e;
  });
  const [gap] = framed?.gaps ?? [];
  expect(framed?.fault).toBeUndefined();
  expect(gap?.reason).toBe("lagged");
  expect(((gap?.to ?? 0) + 1) % GROUP).toBe(0);
  expect((framed?.frames ?? 0) + (gap?.to ?? 0) - (gap?.from ?? 0) + 1).toBe(FRAMES);
  await waitFor(
    "the plain one to get a group",
    () => (plain?.bytes ?? 0) % FRAME_BYTES === 0 && (plain?.bytes ?? 0) > 0,
  );
  expect(plain?.bytes).toBeLessThan(40 * MiB);
  await within.publisher.end();
  for (const { socket } of [...within.healthy, ...within.stopped, ...without.healthy]) socket.terminate();
}, 180_000);
