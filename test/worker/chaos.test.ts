// S2 on the real runtime: real sockets, the real client, and a room that is evicted and killed in the middle of groups.
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { expect, test } from "vitest";
import { Publisher, Subscriber, type SubscriberEvent } from "../../client/index.ts";
import { Flag } from "../../protocol/frame.ts";
import type { Room } from "../../worker/room-object.ts";
import { tokenFor } from "./support/api.ts";
import { workerEnvironment } from "./support/environment.ts";
import { createRoom } from "./support/rooms.ts";

const FRAMES = 400;
const GROUP = 10;

/** Numbers in [0, 1) that depend only on the seed (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Reads until the last payload has arrived. Returns the events, in order. */
async function record(subscriber: Subscriber): Promise<SubscriberEvent[]> {
  const heard: SubscriberEvent[] = [];
  for await (const event of subscriber) {
    heard.push(event);
    if (event.type === "frame" && idOf(event.payload) === FRAMES - 1) break;
  }
  return heard;
}

function idOf(payload: Uint8Array): number {
  return new DataView(payload.buffer, payload.byteOffset).getUint32(0);
}

function payloadOf(id: number): Uint8Array {
  const payload = new Uint8Array(500).fill(id & 0xff);
  new DataView(payload.buffer).setUint32(0, id);
  return payload;
}

/** Every payload follows the previous one, unless there was a gap or the epoch changed. */
function check(heard: readonly SubscriberEvent[], places: Map<string, number>): void {
  let last: { id: number; epoch: string } | undefined;
  let excused = false;
  for (const event of heard) {
    if (event.type === "gap") {
      expect(event.reason).not.toBe("unknown");
      excused = true;
    }
    if (event.type !== "frame") continue;
    const id = idOf(event.payload);
    const key = `${event.epoch}.${event.sequence}`;
    expect(places.get(key) ?? id).toBe(id);
    places.set(key, id);
    if (last !== undefined && !excused && last.epoch === event.epoch) expect(id).toBe(last.id + 1);
    if (last !== undefined && !excused) expect(id).toBeLessThanOrEqual(last.id + 1);
    last = { id, epoch: event.epoch };
    excused = false;
  }
}

test.each([1, 2, 3, 4])(
  "S2 seed %i: undelivered frames are reported, through evictions and deaths",
  async (seed) => {
    const random = seeded(seed);
    const { room, tokens, stub } = await createRoom();
    const common = { url: "http://roomcast.test", room, environment: workerEnvironment };
    const publisher = new Publisher({ ...common, token: tokens.publish });
    const token = await tokenFor(room, { can: ["subscribe", "reliable"] });
    const subscribers = (["live", "live", "latest", "reliable"] as const).map(
      (delivery) => new Subscriber({ ...common, token, delivery }),
    );
    const records = subscribers.map(record);
    for (let id = 0; id < FRAMES; id++) {
      await publisher.write([{ payload: payloadOf(id), flags: id % GROUP === 0 ? Flag.key : 0 }]);
      const dice = random();
      if (dice < 0.02) await evictDurableObject(stub, { webSockets: "hibernate" }).catch(() => undefined);
      else if (dice < 0.03) await evictDurableObject(stub, { webSockets: "close" }).catch(() => undefined);
      else if (dice < 0.04) {
        await runInDurableObject(stub, (_instance: Room, state) => state.abort("chaos")).catch(() => undefined);
      } else if (dice < 0.3) await new Promise((resolve) => setTimeout(resolve, random() * 10));
    }
    const places = new Map<string, number>();
    for (const heard of await Promise.all(records)) check(heard, places);
    await publisher.end();
  },
  60_000,
);
