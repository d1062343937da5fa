// The possible events of a world, as values: the property draws them at random, and found seeds are kept.
import fc from "fast-check";
import { expect } from "vitest";
import { Flag } from "../../../../protocol/frame.ts";
import { FramedSubscriber } from "./model-subscriber.ts";
import { SMALL, World } from "./world.ts";

const who = fc.nat({ max: 8 });
const count = fc.integer({ min: 1, max: 8 });

/** One event. */
export const event = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({ do: fc.constant("write" as const), who, bytes: fc.nat({ max: 400 }), flags: flagsOf() }),
  },
  { weight: 8, arbitrary: fc.record({ do: fc.constant("send" as const), who, count }) },
  { weight: 12, arbitrary: fc.record({ do: fc.constant("arriveAtRoom" as const), who, count }) },
  { weight: 12, arbitrary: fc.record({ do: fc.constant("arriveAtClient" as const), who, count }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("ping" as const), who }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant("connect" as const), who }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("cut" as const), who }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("pass" as const), ms: fc.integer({ min: 1, max: 3000 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("pass" as const), ms: fc.integer({ min: 3000, max: 40_000 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("abandon" as const), who, goodbye: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.constant({ do: "bury" as const }) },
  { weight: 1, arbitrary: fc.constant({ do: "sleep" as const }) },
  { weight: 1, arbitrary: fc.constant({ do: "abort" as const }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("burst" as const), who, count: fc.integer({ min: 5, max: 40 }) }),
  },
);
export type Event = typeof event extends fc.Arbitrary<infer T> ? T : never;

function flagsOf() {
  return fc.constantFrom(0, 0, 0, 0, Flag.key, Flag.key, Flag.init, Flag.discontinuity);
}

function apply(world: World, event: Event): void {
  if (event.do === "pass") return world.pass(event.ms);
  if (event.do === "sleep" || event.do === "abort" || event.do === "bury") return world[event.do]();
  const publisher = world.publishers[event.who % world.publishers.length];
  const clients = [...world.publishers, ...world.subscribers];
  const client = clients[event.who % clients.length];
  if (publisher === undefined || client === undefined) throw new Error("nobody");
  switch (event.do) {
    case "write":
      return publisher.write(event.bytes, event.flags);
    case "send":
      return void publisher.send(event.count);
    case "burst": {
      world.connect(publisher);
      for (let index = 0; index < event.count; index++) publisher.write(300, index % 7 === 0 ? Flag.key : 0);
      for (let round = 0; round < 3; round++) {
        world.arriveAtClient(publisher, 20);
        while (publisher.send(2));
        world.arriveAtRoom(publisher, 100);
      }
      return;
    }
    case "abandon":
      return world.abandon(client, event.goodbye);
    case "arriveAtRoom":
    case "arriveAtClient":
      return world[event.do](client, event.count);
    default:
      return world[event.do](client);
  }
}

/** Runs the events, settles the world, and checks the final state of all clients. */
export function run(tellsBuffered: boolean, events: readonly Event[]): void {
  const world = new World(tellsBuffered);
  for (const one of events) {
    apply(world, one);
    // For one connection: one message above its own limit, the largest message of a publisher here, and texts.
    if (tellsBuffered) expect(world.mostQueued()).toBeLessThanOrEqual(SMALL.queueBytes + 8 * (400 + 30) + TEXTS_BYTES);
    if (tellsBuffered) expect(world.queuedBytes).toBeLessThanOrEqual(SMALL.roomQueueBytes + 9 * TEXTS_BYTES);
  }
  world.settle();
  checkEnd(world, events);
}

/** The size of the texts that the room may send to a connection in addition to frames, in a run. */
const TEXTS_BYTES = 4000;

/** Events after which even a `reliable` subscriber may miss frames that history could not keep for it. */
const FORGETFUL = ["sleep", "abort", "cut"];

function checkEnd(world: World, events: readonly Event[]): void {
  const passed = events.reduce((sum, one) => sum + (one.do === "pass" ? one.ms : 0), 0);
  const forgetful = passed > 10_000 || events.some((one) => FORGETFUL.includes(one.do));
  const { tracks } = world;
  for (const subscriber of world.subscribers) {
    if (!(subscriber instanceof FramedSubscriber)) continue;
    if (subscriber.subscription.delivery === "reliable" && !forgetful) expect(subscriber.gaps).toEqual([]);
    for (const { name, epoch, next } of tracks) {
      expect({ name, place: subscriber.place(name) }).toEqual({ name, place: { epoch, next } });
    }
  }
}
