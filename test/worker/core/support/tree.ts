// The objects of a room, and simulated networks between them: links, calls, time.
import type { Versions } from "../../../../protocol/link.ts";
import { RelayCore } from "../../../../worker/core/relay.ts";
import { parentOf } from "../../../../worker/core/relay-id.ts";
import { writeRelay } from "../../../../worker/core/relay-rows.ts";
import { RoomCore } from "../../../../worker/core/room.ts";
import { DEFAULT_LIMITS } from "../../../../worker/core/room-settings.ts";
import type { Tuning } from "../../../../worker/core/tuning.ts";
import { type CallFate, TreeCalls } from "./tree-calls.ts";
import { TreeLink } from "./tree-link.ts";
import { type Platform, TreeNode } from "./tree-node.ts";
import { SETTINGS, SMALL } from "./world.ts";

export const ROOM = "room";

/** The relays: the first of a region is below the origin, the others are below that relay. */
export const TREES = {
  one: ["weur~0"],
  chain: ["weur~0", "weur~1"],
  broad: ["weur~0", "weur~1", "weur~2", "enam~0"],
} as const;

/** The shape of a run. */
export interface Shape {
  readonly tree: keyof typeof TREES;
  readonly tellsBuffered: boolean;
  /** The versions of each node, the origin first; the default is the code's. */
  readonly versions?: readonly Versions[];
}

/** All objects of one room. */
export class Tree implements Platform {
  readonly origin: TreeNode;
  readonly relays: readonly TreeNode[];
  readonly links: TreeLink[] = [];
  readonly tuning: Tuning;
  readonly tellsBuffered: boolean;
  readonly #calls = new TreeCalls();
  #now = 1_000_000;
  #epochs = 0;

  constructor({ tree, tellsBuffered, versions = [] }: Shape) {
    this.tellsBuffered = tellsBuffered;
    // If only pongs confirm data, bytes count until two of them have arrived.
    this.tuning = tellsBuffered ? SMALL : { ...SMALL, roomQueueBytes: 4 * SMALL.roomQueueBytes };
    const spoken = (index: number) => versions[index] ?? { least: 1, most: 1 };
    this.origin = new TreeNode(ROOM, spoken(0), this);
    this.relays = TREES[tree].map((name, index) => new TreeNode(`${ROOM}~${name}`, spoken(index + 1), this));
    for (const { id } of this.relays) writeRelay(this.origin.kv, { id, openedAt: this.#now, draining: false });
    this.origin.act((core, now) => core instanceof RoomCore && core.create(now, ROOM, SETTINGS));
    for (const relay of this.relays) this.assign(relay, null);
  }

  get now(): number {
    return this.#now;
  }

  get nodes(): readonly TreeNode[] {
    return [this.origin, ...this.relays];
  }

  /** The relay gets its assignment, as growth sends it when it opens one. */
  assign(relay: TreeNode, drainOverMs: number | null): void {
    relay.actAsRelay((core, now) =>
      core.assign(now, {
        room: ROOM,
        relay: relay.id,
        version: now,
        parent: parentOf(relay.id),
        children: this.relays.flatMap(({ id }) => (parentOf(id) === relay.id ? [id] : [])),
        drainOverMs,
        settings: SETTINGS,
        revocations: [],
        idsAreTold: false,
      }),
    );
  }

  /** Time passes; timers run when they are due. */
  pass(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      let next: TreeNode | undefined;
      for (const node of this.nodes) {
        if ((node.dueAt ?? Number.POSITIVE_INFINITY) < (next?.dueAt ?? end + 1)) next = node;
      }
      if (next?.dueAt === undefined) break;
      this.#now = Math.max(this.#now, next.dueAt);
      next.tick();
    }
    this.#now = end;
  }

  /** Up to `count` events go from a parent to its relay. */
  linkDown(index: number, count: number): void {
    const link = this.links[index % this.links.length];
    for (let done = 0; done < count && link?.down(); done++);
    this.#tidy();
  }

  /** Up to `count` events go from a relay to its parent. */
  linkUp(index: number, count: number): void {
    const link = this.links[index % this.links.length];
    for (let done = 0; done < count && link?.up(); done++);
    this.#tidy();
  }

  loseLink(index: number, kept: number): void {
    this.links[index % this.links.length]?.lose(kept);
  }

  call(index: number, fate: CallFate): void {
    this.#calls.step(index, fate);
  }

  /** Nothing passes over the link, or to and from the client, until the next call. */
  stallLink(index: number): void {
    const link = this.links[index % this.links.length];
    if (link !== undefined) link.isStalled = !link.isStalled;
  }

  /** Delivers everything between objects. */
  deliver(): void {
    for (let round = 0, isMore = true; isMore; round++) {
      if (round > 100) throw new Error("the objects of the room do not come to rest");
      isMore = false;
      while (this.#calls.step(0, "goes-on")) isMore = true;
      for (const link of this.links) {
        if (link.isStalled) continue;
        while (link.down()) isMore = true;
        while (link.up()) isMore = true;
      }
      this.#tidy();
    }
  }

  hasCallsOf(node: TreeNode): boolean {
    return this.#calls.has(node);
  }

  newCore(node: TreeNode): RoomCore | RelayCore {
    const limits = {
      ...DEFAULT_LIMITS,
      maxObjectSubscribers: 2000,
      maxRelays: this.relays?.length ?? 0,
      hintsOff: false,
    };
    const shell = {
      mintEpoch: () => `e${this.#epochs++}`,
      random: () => 0.5,
      versions: node.versions,
      dial: (relay: string, generation: number) => {
        this.links.push(new TreeLink(node, this.#nodeOf(relay), generation, this.tellsBuffered));
      },
      post: (): never => {
        throw new Error("nobody sends messages");
      },
    };
    if (node.id === ROOM)
      return new RoomCore(ROOM, node.kv, limits, { ...shell, ...this.#relaysShell(node) }, this.#now, this.tuning);
    return new RelayCore(
      node.id,
      node.kv,
      limits,
      { ...shell, call: (parent) => this.#call(node, parent) },
      this.tuning,
    );
  }

  #relaysShell(origin: TreeNode) {
    const toRelay = (
      id: string,
      run: (core: RelayCore, now: number) => unknown,
      done = () => {},
      failed = () => {},
    ) => {
      const relay = this.#nodeOf(id);
      this.#calls.add(origin, relay, () => relay.actAsRelay(run), done, failed);
    };
    const relaysDo = (run: (core: RoomCore) => void) => () =>
      origin.act((core) => core instanceof RoomCore && run(core));
    return {
      assign: (id: string, assignment: { version: number }) =>
        toRelay(
          id,
          (core, now) => core.assign(now, assignment),
          relaysDo((core) => core.relays.assigned(this.#now, id, assignment.version)),
          relaysDo((core) => core.relays.notAssigned(this.#now, id)),
        ),
      dismiss: (id: string, isOver: boolean) => toRelay(id, (core, now) => core.dismiss(now, isOver)),
      move: (id: string, count: number) => toRelay(id, (core, now) => core.move(now, count)),
    };
  }

  /** A relay asks its parent to dial. */
  #call(relay: TreeNode, parentId: string): void {
    const parent = this.#nodeOf(parentId);
    const ask = () =>
      parent.act((core, now) => {
        const isKnown = core instanceof RoomCore ? core.relays.has(relay.id) : core.node.links.has(relay.id);
        if (isKnown) core.node.links.called(now, relay.id);
        return isKnown;
      });
    const done = (isKnown: boolean) => relay.actAsRelay((core, now) => core.answered(now, parentId, isKnown));
    const failed = () => relay.actAsRelay((core, now) => core.parent?.unreachable(now));
    this.#calls.add(relay, parent, ask, done, failed);
  }

  #tidy(): void {
    for (let index = this.links.length - 1; index >= 0; index--) {
      if (this.links[index]?.isOver) this.links.splice(index, 1);
    }
  }

  #nodeOf(id: string): TreeNode {
    const node = this.nodes.find((one) => one.id === id);
    if (node === undefined) throw new Error(`there is no ${id}`);
    return node;
  }
}
