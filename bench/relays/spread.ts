// A room that growth alone has spread over several objects, and the object of each subscriber.
import type { BenchPublisher } from "../load/publisher.ts";
import { settle } from "../load/round.ts";
import { type BenchSubscriber, joinAll } from "../load/subscriber.ts";
import { type RoomcastTarget, startRoomcast } from "../targets/roomcast.ts";

/**
 * The number of objects that a frame passes before the subscriber's own: the regional relay is 1, those below it are 2.
 */
export type Depth = 0 | 1 | 2;

/** Starts a room with relays. `maxRelays` 0: one object. */
export async function startSpread(maxObjectSubscribers: number, maxRelays: number): Promise<RoomcastTarget> {
  const vars = { MAX_OBJECT_SUBSCRIBERS: String(maxObjectSubscribers), MAX_RELAYS: String(maxRelays) };
  const target = await startRoomcast("framed", undefined, {}, vars);
  return { ...target, name: `${target.name}-${maxRelays}-relays` };
}

/**
 * Joins this number of subscribers, `atATime` at a time, with frames in between: relays that get nothing are parked.
 */
export async function fill(
  target: RoomcastTarget,
  publisher: BenchPublisher,
  payloadBytes: number,
  count: number,
  atATime = 25,
): Promise<BenchSubscriber[]> {
  const all: BenchSubscriber[] = [];
  while (all.length < count) {
    all.push(...(await joinAll(target, Math.min(atATime, count - all.length), payloadBytes, atATime)));
    await settle(publisher, all);
  }
  const ended = all.find((one) => one.ended !== undefined)?.ended;
  if (ended !== undefined) throw new Error(`a subscriber was closed: ${ended}`);
  return all;
}

/** The place of its object: its id ends with the name of the relay, without the room's. */
export function depthOf({ id }: BenchSubscriber): Depth {
  const [, , index] = id?.split("~") ?? [];
  if (index === undefined) return 0;
  return index === "0" ? 1 : 2;
}

/** The number of objects that they are at. */
export function objectsOf(subscribers: readonly BenchSubscriber[]): number {
  return new Set(subscribers.map(({ id }) => id?.split("~").slice(1).join("~"))).size;
}
