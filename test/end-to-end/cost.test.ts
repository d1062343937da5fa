// The cost meter of a real room, compared with independent counts: by its clients, and between the runtime and the
// Worker.
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Publisher } from "../../client/publisher.ts";
import { Subscriber } from "../../client/subscriber.ts";
import { Flag } from "../../protocol/frame.ts";
import { costOf, PRICES, totalOf } from "../../worker/core/prices.ts";
import { NO_USAGE, type Usage } from "../../worker/core/usage.ts";
import { CountingEnvironment, startCostRuntime } from "../support/cost-runtime.ts";
import { createRoom, SECRET } from "../support/local-room.ts";
import { RoomApi } from "../support/room-api.ts";
import { waitFor } from "../support/wait.ts";

const FRAME_MS = 40;
const PAYLOAD = new Uint8Array(2000);

let runtime: Awaited<ReturnType<typeof startCostRuntime>>;
beforeAll(async () => {
  runtime = await startCostRuntime();
});
afterAll(() => runtime.close());

/** They differ by at most a tenth. */
function isClose(one: number, other: number): boolean {
  return Math.abs(one - other) <= 0.1 * Math.max(one, other);
}

test("E6 a room's cost is what was counted around it, within a tenth", async () => {
  const clients = new CountingEnvironment();
  // The tables of the index are created once, for all rooms.
  const headers = { authorization: `Bearer ${SECRET}` };
  expect((await fetch(`${runtime.url}/api/rooms`, { headers })).status).toBe(200);
  const tables = (await runtime.counted()).indexRowsWritten;
  const room = await createRoom(runtime.url, "metered");
  const api = new RoomApi(runtime.url, room);
  const both = { url: runtime.url, room: room.room, environment: clients };
  const publisher = new Publisher({ ...both, token: room.tokens.publish });
  await publisher.ready();
  const join = () => {
    const viewer = new Subscriber({ ...both, token: room.tokens.subscribe });
    void (async () => {
      for await (const _ of viewer);
    })();
    return viewer;
  };
  const viewers = [join(), join(), join()];
  const stream = async (frames: number) => {
    for (let frame = 0; frame < frames; frame++) {
      await publisher.write([{ payload: PAYLOAD, flags: frame % 25 === 0 ? Flag.key : 0 }]);
      if (frame % 50 === 10) viewers.push(join());
      if (frame % 50 === 40) viewers.shift()?.close();
      await sleep(FRAME_MS);
    }
  };
  await stream(120);
  await api.ask("PATCH", "", { settings: { title: "metered" } });
  await api.connections();
  for (let minted = 0; minted < 5; minted++) await api.ask("POST", "/tokens", { can: ["subscribe"], ttlSeconds: 60 });
  // All clients wait: nothing is billed.
  await sleep(2500);
  await stream(80);
  await publisher.end();
  for (const viewer of viewers) viewer.close();
  await waitFor("the room to be empty", async () => (await api.describe()).subscribers === 0);

  // Until nothing is on its way any more.
  let last = "";
  const counted = await waitFor("the counts to stand still", async () => {
    const now = await runtime.counted();
    const isStill = JSON.stringify(now) === last;
    last = JSON.stringify(now);
    if (!isStill) await sleep(1500);
    return isStill ? now : undefined;
  });
  const { cost } = await api.describe();
  const metered = cost?.usage as unknown as Usage;
  const outside: Usage = {
    ...NO_USAGE,
    // The last request came after the count.
    requests: counted.calls + 1 + counted.alarms,
    messages: clients.messages,
    awakeMs: counted.timedMs,
    rowsWritten: counted.rowsWritten,
    rowsRead: counted.rowsRead,
    queueMessages: counted.queueMessages,
  };
  const names = Object.keys(NO_USAGE) as (keyof Usage)[];
  const billed = names.filter((name) => outside[name] > 0);
  const off = billed.filter((name) => !isClose(outside[name], metered[name]));
  expect({ off, outside, metered }).toEqual({ off: [], outside, metered });
  expect(billed).toEqual(["requests", "messages", "awakeMs", "rowsWritten", "rowsRead", "queueMessages"]);
  // In dollars, with the rows that the index actually wrote.
  const { events, ...rest } = costOf(outside, PRICES);
  const indexed = ((counted.indexRowsWritten - tables) / 1e6) * PRICES.millionIndexRowsWritten;
  const queued = ((counted.queueMessages * 3) / 1e6) * PRICES.millionQueueOperations;
  const dollars = totalOf({ ...rest, events: queued + indexed });
  expect({ events, isClose: isClose(events, queued + indexed) }).toEqual({ events, isClose: true });
  expect({ dollars, isClose: isClose(dollars, cost?.total ?? 0) }).toEqual({ dollars, isClose: true });
  expect(clients.messages).toBeGreaterThan(200);
});
