// Two releases in one room, as during a deploy: each also speaks a version of the link that the other knows.
import { expect, test } from "vitest";
import { Publisher } from "../../client/index.ts";
import { nodeEnvironment } from "../../client/node.ts";
import { Flag } from "../../protocol/frame.ts";
import { startFaultyRuntime } from "../support/faulty-runtime.ts";
import { SpreadRoom } from "../support/spread-room.ts";
import { waitFor } from "../support/wait.ts";

const [OLD, NEW] = [
  { least: 1, most: 1 },
  { least: 1, most: 2 },
];

test.each([
  { name: "a new room with old relays", room: NEW, relay: OLD },
  { name: "an old room with new relays", room: OLD, relay: NEW },
])("L2 L3 $name: all get every frame", async ({ room: ofRoom, relay }) => {
  const runtime = await startFaultyRuntime({ MAX_OBJECT_SUBSCRIBERS: "2" }, { room: ofRoom, relay });
  try {
    using room = await SpreadRoom.create(runtime.url);
    const publisher = new Publisher({
      url: runtime.url,
      room: room.id,
      token: room.room.tokens.publish,
      environment: nodeEnvironment,
    });
    for (let count = 0; count < 50; count++) {
      await publisher.write([{ payload: new Uint8Array(100), flags: count % 10 === 0 ? Flag.key : 0 }]);
    }
    await waitFor("all frames", () => room.subscribers.every(({ frames }) => frames === 50), 30_000);
    expect(room.subscribers.flatMap(({ gaps, fault, closed }) => [...gaps, fault, closed]).filter(Boolean)).toEqual([]);
    publisher.close();
  } finally {
    await runtime.close();
  }
});
