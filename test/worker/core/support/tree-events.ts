// The possible events of a tree, as values: the property draws them at random, and found seeds are kept.
import fc from "fast-check";
import { Flag } from "../../../../protocol/frame.ts";
import type { Versions } from "../../../../protocol/link.ts";
import type { ModelPublisher } from "./model-publisher.ts";
import { FramedSubscriber } from "./model-subscriber.ts";
import type { Shape, TREES } from "./tree.ts";
import type { CallFate } from "./tree-calls.ts";
import type { Client, TreeNode } from "./tree-node.ts";
import { TreeWorld } from "./tree-world.ts";

const who = fc.nat({ max: 9 });
const at = fc.nat({ max: 4 });
const count = fc.integer({ min: 1, max: 6 });
const few = fc.nat({ max: 2 });
const flags = fc.constantFrom(0, 0, 0, 0, Flag.key, Flag.key, Flag.init, Flag.discontinuity);
const fate = fc.constantFrom<CallFate>("goes-on", "goes-on", "goes-on", "goes-on", "lost", "unanswered");

function one<Name extends string, T extends object>(
  weight: number,
  name: Name,
  fields: { [Key in keyof T]: fc.Arbitrary<T[Key]> },
) {
  return { weight, arbitrary: fc.record({ do: fc.constant(name), ...fields }) as fc.Arbitrary<{ do: Name } & T> };
}

/**
 * One event. `who` counts publishers, then subscribers; `at` counts nodes, the origin first; `link` and `call` count
 * existing ones.
 */
export const event = fc.oneof(
  one<"write", { who: number; bytes: number; flags: number }>(10, "write", { who, bytes: fc.nat({ max: 400 }), flags }),
  one<"send", { who: number; count: number }>(6, "send", { who, count }),
  one<"burst", { who: number; count: number }>(3, "burst", { who, count: fc.integer({ min: 5, max: 30 }) }),
  one<"drop", { who: number; count: number }>(2, "drop", { who, count }),
  one<"arriveAtRoom", { who: number; count: number }>(8, "arriveAtRoom", { who, count }),
  one<"arriveAtClient", { who: number; count: number }>(8, "arriveAtClient", { who, count }),
  one<"ping", { who: number }>(2, "ping", { who }),
  one<"connect", { who: number; at: number }>(10, "connect", { who, at }),
  one<"takeover", { who: number }>(2, "takeover", { who }),
  one<"cut", { who: number }>(4, "cut", { who }),
  one<"stall", { who: number }>(1, "stall", { who }),
  one<"pass", { ms: number }>(4, "pass", { ms: fc.integer({ min: 1, max: 3000 }) }),
  one<"pass", { ms: number }>(1, "pass", { ms: fc.integer({ min: 3000, max: 40_000 }) }),
  one<"flow", { ms: number }>(8, "flow", { ms: fc.integer({ min: 1, max: 1500 }) }),
  one<"flow", { ms: number }>(2, "flow", { ms: fc.integer({ min: 5000, max: 13_000 }) }),
  one<"down", { link: number; count: number }>(10, "down", { link: at, count }),
  one<"up", { link: number; count: number }>(8, "up", { link: at, count }),
  one<"loseLink", { link: number; kept: number }>(2, "loseLink", { link: at, kept: few }),
  one<"stallLink", { link: number }>(1, "stallLink", { link: at }),
  one<"call", { call: number; fate: CallFate }>(8, "call", { call: at, fate }),
  one<"kill", { at: number; kept: number }>(2, "kill", { at, kept: few }),
  one<"sleep", { at: number }>(4, "sleep", { at }),
  one<"move", { at: number; count: number }>(1, "move", { at, count: few }),
  one<"drain", { at: number; overMs: number | null }>(1, "drain", { at, overMs: fc.constantFrom(null, 1000, 20_000) }),
  one<"policy", object>(1, "policy", {}),
);
export type Event = typeof event extends fc.Arbitrary<infer T> ? T : never;

const OLD: Versions = { least: 1, most: 1 };
const BOTH: Versions = { least: 1, most: 2 };
const LATER: Versions = { least: 3, most: 3 };

/** The shape of a run. */
export const shape: fc.Arbitrary<Shape> = fc.record({
  tree: fc.constantFrom<keyof typeof TREES>("one", "chain", "broad"),
  tellsBuffered: fc.boolean(),
  versions: fc.constantFrom<readonly Versions[]>(
    [],
    [],
    [BOTH, OLD, OLD],
    [OLD, BOTH, BOTH],
    [BOTH, BOTH, OLD],
    [OLD, OLD, LATER],
    [OLD, LATER, OLD],
  ),
});

function apply(world: TreeWorld, event: Event): void {
  const { tree } = world;
  const { nodes, relays } = tree;
  const nodeAt = (index: number): TreeNode => nodes[index % nodes.length] ?? tree.origin;
  switch (event.do) {
    case "pass":
      return tree.pass(event.ms);
    case "flow":
      return world.flow(event.ms);
    case "down":
      return tree.linkDown(event.link, event.count);
    case "up":
      return tree.linkUp(event.link, event.count);
    case "loseLink":
      return tree.loseLink(event.link, event.kept);
    case "stallLink":
      return tree.stallLink(event.link);
    case "call":
      return tree.call(event.call, event.fate);
    case "kill":
      nodeAt(event.at).die(event.kept);
      // No two lives of an object share a moment.
      return tree.pass(1);
    case "sleep":
      return void nodeAt(event.at).sleep();
    case "move":
      return world.move(nodeAt(event.at), event.count);
    case "drain":
      return tree.assign(relays[event.at % relays.length] as TreeNode, event.overMs);
    case "policy":
      return world.changePolicy();
    default:
      return applyToClient(world, event, "at" in event ? nodeAt(event.at) : tree.origin);
  }
}

function applyToClient(world: TreeWorld, event: Event & { who: number }, node: TreeNode): void {
  const clients: readonly Client[] = [...world.publishers, ...world.subscribers];
  const client = clients[event.who % clients.length] as Client;
  const publisher = world.publishers[event.who % world.publishers.length] as ModelPublisher;
  switch (event.do) {
    case "write":
      return publisher.write(event.bytes, event.flags);
    case "drop":
      return publisher.drop(event.count);
    case "send":
      return void publisher.send(event.count);
    case "burst":
      world.connect(publisher, world.tree.origin);
      for (let index = 0; index < event.count; index++) publisher.write(300, index % 7 === 0 ? Flag.key : 0);
      for (let round = 0; round < 3; round++) {
        world.arriveAtClient(publisher, 20);
        while (publisher.send(2));
        world.arriveAtRoom(publisher, 100);
      }
      return;
    case "takeover":
      publisher.takesOver = true;
      world.connect(publisher, node);
      publisher.takesOver = false;
      return;
    case "connect":
      return world.connect(client, node);
    case "arriveAtRoom":
    case "arriveAtClient":
      return world[event.do](client, event.count);
    case "ping":
    case "cut":
    case "stall":
      return world[event.do](client);
  }
}

/** The size of the texts that a room may send to a connection in addition to frames, in a run. */
const TEXTS_BYTES = 4000;
const MOST_CONNECTIONS = 14;

/** Runs the events, lets the room settle, and checks the final state of all clients. */
export function run(shape: Shape, events: readonly Event[]): void {
  const world = new TreeWorld(shape);
  for (const one of events) {
    apply(world, one);
    if (!shape.tellsBuffered) continue;
    for (const { id, queuedBytes } of world.tree.nodes) {
      const most = world.tree.tuning.roomQueueBytes + MOST_CONNECTIONS * TEXTS_BYTES;
      if (queuedBytes > most) throw new Error(`${id} has queued ${queuedBytes} bytes`);
    }
  }
  world.settle(() => lacks(world).length === 0);
  const found = lacks(world);
  if (found.length > 0) throw new Error(found.join("\n"));
}

/** The deviations after everything has settled. */
function lacks(world: TreeWorld): string[] {
  const { tracks, publishers, subscribers } = world;
  const isThere = ({ wire }: Client) => wire !== undefined && wire.closed === undefined;
  const counts = `${subscribers.filter(isThere).length} + ${publishers.filter(isThere).length}`;
  const found: string[] = [];
  for (const [index, publisher] of publishers.entries()) {
    if (isThere(publisher) && !publisher.isDone) found.push(`publisher ${index} has more to send`);
  }
  for (const [index, subscriber] of subscribers.entries()) {
    const name = `subscriber ${index}`;
    if (!isThere(subscriber)) found.push(`${name} is not there`);
    if (!(subscriber instanceof FramedSubscriber)) continue;
    const { occupancy } = subscriber;
    const told = `${occupancy?.subscribers} + ${occupancy?.publishers}`;
    if (told !== counts) found.push(`${name} was told of ${told}, there are ${counts}`);
    for (const { name: track, epoch, next } of tracks) {
      const place = subscriber.place(track);
      const has = place && `${place.epoch}.${place.next}`;
      if (has !== `${epoch}.${next}`) found.push(`${name} is at ${has} of ${track}, which is at ${epoch}.${next}`);
    }
  }
  return found;
}
