// The clients of a room over several objects, and their networks.
import { Flag } from "../../../../protocol/frame.ts";
import type { Who } from "../../../../worker/core/attachment.ts";
import type { Asked, Join } from "../../../../worker/core/authorize.ts";
import { move } from "../../../../worker/core/drain.ts";
import { isRefusal } from "../../../../worker/core/refusal.ts";
import { ELSEWHERE, RelayCore } from "../../../../worker/core/relay.ts";
import { RoomCore } from "../../../../worker/core/room.ts";
import { ModelPublisher } from "./model-publisher.ts";
import { FramedSubscriber, type ModelSubscriber, PlainSubscriber } from "./model-subscriber.ts";
import { ROOM, type Shape, Tree } from "./tree.ts";
import { type Client, lost, type Socket, type TreeNode } from "./tree-node.ts";
import { Truth } from "./truth.ts";
import { Wire } from "./wire.ts";

const WHO: Who = { subject: undefined, jti: "test", issuedAt: 0, expiresAt: null };
const GRANT = { who: WHO, can: ["subscribe", "publish", "reliable"], tracks: null } as const;
const CREDIT_BYTES = 2000;
const STEP_MS = 100;
/** The time for which a relay waits for an epoch that only its subscriber knows. */
const EARLY_MS = 2000;

/** Allowed close codes of subscribers: none of them did anything wrong. */
const FAIR_CODES = [4000, 4001, 4004, 4005, 4006, 4506];

/** One run. Its methods are the possible events of clients, and the actions of the room's owner. */
export class TreeWorld {
  readonly truth = new Truth();
  readonly publishers: readonly ModelPublisher[];
  readonly subscribers: readonly ModelSubscriber[];
  readonly tree: Tree;
  /** Clients that read and send nothing for a while. */
  readonly #stalled = new Set<Client>();
  readonly #cameAt = new Map<Client, number>();
  #ids = 0;

  constructor(shape: Shape) {
    this.tree = new Tree(shape);
    this.publishers = ["main", "main", "other"].map((track) => new ModelPublisher(track, this.truth));
    const framed = (delivery: "live" | "latest" | "reliable", start: string) =>
      new FramedSubscriber(this.truth, delivery, start);
    this.subscribers = [
      framed("live", "group"),
      framed("live", "live"),
      framed("latest", "group"),
      framed("live", "-5"),
      new PlainSubscriber(this.truth, "main"),
      framed("live", "group"),
      framed("reliable", "group"),
    ];
  }

  get tracks() {
    return this.tree.origin.act((core, now) => core.node.hub.snapshot(now).tracks);
  }

  /** A client connects to a node, or to the origin if the node refuses it. */
  connect(client: Client, node: TreeNode): void {
    if (client.wire !== undefined) return;
    const asked = askedBy(client);
    const atRelay = node === this.tree.origin || asked.role === "publish" ? ELSEWHERE : this.#enter(node, asked);
    const [at, join] =
      atRelay === ELSEWHERE ? [this.tree.origin, this.#enter(this.tree.origin, asked)] : [node, atRelay];
    if (join === ELSEWHERE || isRefusal(join)) return;
    const wire = new Wire(this.tree.tellsBuffered, true);
    const id = `c${this.#ids++}${at.id.slice(ROOM.length)}`;
    at.sockets.set(id, { id, wire, client });
    client.wire = wire;
    this.#cameAt.set(client, this.tree.now);
    if (client instanceof PlainSubscriber) client.begin();
    at.act((core, now) => core.join(now, id, join, wire));
    if (isReliable(client)) this.#credit(wire, CREDIT_BYTES);
    this.#note();
  }

  /** The client's end fails; data on its way in either direction is lost. */
  cut(client: Client): void {
    const found = this.#find(client);
    if (found === undefined) return;
    const { node, socket } = found;
    node.sockets.delete(socket.id);
    lost(client);
    socket.wire.drop();
    node.left(socket.id, true);
  }

  /** Up to `count` messages of the client arrive. */
  arriveAtRoom(client: Client, count: number): void {
    for (let index = 0; index < count; index++) {
      const found = this.#find(client);
      if (found === undefined || found.socket.wire.closed !== undefined) return;
      const { node, socket } = found;
      const message = socket.wire.up.shift();
      if (message === undefined) return;
      if (message === "ping") socket.wire.answerPing(this.tree.now);
      else if (typeof message === "string") node.act((core, now) => core.text(now, socket.id, message));
      else node.act((core, now) => core.binary(now, socket.id, message));
      this.#note();
    }
  }

  /** Up to `count` messages arrive at the client; after the last one, it sees that its node closed. */
  arriveAtClient(client: Client, count: number): void {
    for (let index = 0; index < count; index++) {
      const found = this.#find(client);
      if (found === undefined) return;
      const { node, socket } = found;
      const message = socket.wire.arrive();
      if (message === undefined) {
        if (socket.wire.closed !== undefined) this.#closed(client, node, socket);
        return;
      }
      if (client instanceof FramedSubscriber)
        client.hasWaited = this.tree.now - (this.#cameAt.get(client) ?? 0) >= EARLY_MS;
      client.receive(message);
      if (isReliable(client) && typeof message !== "string") this.#credit(socket.wire, message.byteLength);
      if (message === "pong") this.ping(client);
    }
  }

  ping(client: Client): void {
    const { wire } = client;
    if (wire === undefined || wire.up.includes("ping") || wire.down.includes("pong")) return;
    wire.up.push("ping");
  }

  /** Time passes while everything works that is not stalled. */
  flow(ms: number): void {
    for (const end = this.tree.now + ms; this.tree.now < end; this.tree.pass(STEP_MS)) {
      this.tree.deliver();
      for (const client of [...this.publishers, ...this.subscribers]) {
        if (this.#stalled.has(client)) continue;
        if (client instanceof ModelPublisher) {
          while (client.send(3));
          client.sync();
        } else this.ping(client);
        this.arriveAtRoom(client, 100);
        this.arriveAtClient(client, 100);
      }
      this.tree.deliver();
    }
  }

  stall(client: Client): void {
    if (!this.#stalled.delete(client)) this.#stalled.add(client);
  }

  /** The object moves `count` of its subscribers to others. */
  move(node: TreeNode, count: number): void {
    node.act((core, now) => (core instanceof RelayCore ? core.move(now, count) : move(core.node, now, count)));
  }

  /** The owner changes a setting that relays have to know. */
  changePolicy(): void {
    this.tree.origin.act((core, now) => core instanceof RoomCore && core.update(now, WHO, { title: `${now}` }));
  }

  /**
   * All clients connect, to their last object or to the one that they are sent to, and everything works. Returns true
   * when all has settled.
   */
  settle(isDone: () => boolean): boolean {
    this.#stalled.clear();
    for (const relay of this.tree.relays) this.tree.assign(relay, null);
    for (let round = 0; round < 200; round++) {
      for (const link of this.tree.links) link.isStalled = false;
      const clients = [...this.publishers, ...this.subscribers];
      for (const [index, client] of clients.entries()) {
        // A publisher that finds its track taken does not keep trying, because the final publisher has to be known.
        if (round < 20 || !(client instanceof ModelPublisher))
          this.connect(client, this.tree.nodes[index % this.tree.nodes.length] ?? this.tree.origin);
      }
      // A group for subscribers that wait for the next one; the second one when every relay has its past.
      const isGroup = round === 20 || round % 80 === 8;
      if (isGroup) for (const publisher of this.publishers) publisher.write(10, Flag.key);
      this.flow(400);
      if (round > 24 && isDone()) return true;
    }
    return false;
  }

  #enter(node: TreeNode, asked: Asked): ReturnType<RelayCore["enter"]> {
    const knock = { asked, credential: { by: "token", grant: GRANT } } as const;
    return node.act((core, now) => {
      const entry = core.enter(now, knock);
      if (typeof entry === "string" || isRefusal(entry) || !("at" in entry)) return entry as Join;
      return entry.at === "here" ? entry.join : ELSEWHERE;
    });
  }

  #closed(client: Client, node: TreeNode, { id, wire }: Socket): void {
    node.sockets.delete(id);
    lost(client);
    node.left(id, true);
    const { code = 0, text = "" } = wire.closed ?? {};
    if (!(client instanceof ModelPublisher) && !FAIR_CODES.includes(code))
      throw new Error(`closed with ${code} ${text}`);
  }

  #note(): void {
    if (this.tree.origin.inMemory === undefined) return;
    for (const { name, epoch, next } of this.tracks) this.truth.accept(name, epoch, next ?? 0);
  }

  #credit(wire: Wire, bytes: number): void {
    wire.up.push(JSON.stringify({ type: "credit", bytes }));
  }

  #find(client: Client): { readonly node: TreeNode; readonly socket: Socket } | undefined {
    for (const node of this.tree.nodes) {
      for (const socket of node.sockets.values()) if (socket.client === client) return { node, socket };
    }
    return undefined;
  }
}

function isReliable(client: Client): boolean {
  return !(client instanceof ModelPublisher) && client.subscription.delivery === "reliable";
}

function askedBy(client: Client): Asked {
  if (client instanceof ModelPublisher) return { role: "publish", label: null, ...client.publication };
  const { framed, tracks, start, delivery } = client.subscription;
  return { role: "subscribe", label: null, framed, tracks, start, delivery };
}
