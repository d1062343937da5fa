// A room, its publishers and subscribers, and a simulated network.
import { Flag } from "../../../../protocol/frame.ts";
import type { Who } from "../../../../worker/core/attachment.ts";
import type { KeyValueStore } from "../../../../worker/core/key-value-store.ts";
import { RoomCore } from "../../../../worker/core/room.ts";
import { DEFAULT_TUNING, type Tuning } from "../../../../worker/core/tuning.ts";
import { aloneShell, NO_RELAYS } from "./alone.ts";
import { ModelPublisher } from "./model-publisher.ts";
import { FramedSubscriber, type ModelSubscriber, PlainSubscriber } from "./model-subscriber.ts";
import { Truth } from "./truth.ts";
import { Wire } from "./wire.ts";

/** Small limits, so that short runs reach them. */
export const SMALL: Tuning = {
  ...DEFAULT_TUNING,
  blockBytes: 1000,
  queueBytes: 3000,
  roomQueueBytes: 12_000,
  lateMs: 2000,
  lateFloorBytes: 300,
  allowanceBytes: 20_000,
  publisherWindowBytes: 2000,
  sendBudget: 200,
  burstBytes: 1000,
  holdMs: 300,
  reliableHoldMs: 20_000,
};
/** The settings of a room in such a run. */
export const SETTINGS = { historyBytes: 16_000, historySeconds: 30 };

const WHO: Who = { subject: undefined, jti: "test", issuedAt: 0, expiresAt: null };
const CREDIT_BYTES = 2000;
const MAX_GHOSTS = 6;

type Client = ModelPublisher | ModelSubscriber;

/** The state of one run. Its methods are the possible events. */
export class World {
  readonly truth = new Truth();
  readonly publishers: readonly ModelPublisher[];
  readonly subscribers: readonly ModelSubscriber[];
  readonly #tellsBuffered: boolean;
  readonly #tuning: Tuning;
  readonly #wires = new Map<string, { readonly wire: Wire; readonly client: Client }>();
  /** Connections that were left unread: their clients closed, or reconnected without ending the old one. */
  readonly #ghosts = new Map<string, Wire>();
  readonly #kv = new Map<string, unknown>();
  #room: RoomCore;
  #now = 1_000_000;
  /**
   * Since when publishers have been held, although no subscriber has the right to hold them, and none joins or leaves.
   */
  #heldSince = new Map<string, number>();
  #ids = 0;
  #epochs = 0;

  constructor(tellsBuffered: boolean) {
    this.#tellsBuffered = tellsBuffered;
    // If only pongs confirm data, bytes count until two of them have arrived.
    this.#tuning = tellsBuffered ? SMALL : { ...SMALL, roomQueueBytes: 4 * SMALL.roomQueueBytes };
    this.#room = this.#createRoom();
    this.#room.create(this.#now, "room", SETTINGS);
    this.publishers = ["main", "main", "other"].map((track) => new ModelPublisher(track, this.truth));
    const framed = (delivery: "live" | "latest" | "reliable", start: string) =>
      new FramedSubscriber(this.truth, delivery, start);
    this.subscribers = [
      framed("live", "group"),
      framed("live", "live"),
      framed("latest", "group"),
      framed("reliable", "group"),
      framed("live", "-5"),
      new PlainSubscriber(this.truth, "main"),
    ];
  }

  get tracks() {
    const room = this.#room.describe(this.#now, WHO);
    if ("refused" in room) throw new Error(room.detail);
    return room.tracks;
  }

  get now(): number {
    return this.#now;
  }

  connect(client: Client): void {
    if (client.wire !== undefined) return;
    this.#heldSince.clear();
    const wire = new Wire(this.#tellsBuffered, true);
    const id = `c${this.#ids++}`;
    this.#wires.set(id, { wire, client });
    client.wire = wire;
    if (client instanceof ModelPublisher) {
      const join = { role: "publish", who: WHO, publication: client.publication } as const;
      this.#room.join(this.#now, id, join, wire);
      this.#note();
    } else {
      client.begin?.();
      const join = { role: "subscribe", who: WHO, subscription: client.subscription } as const;
      this.#room.join(this.#now, id, join, wire);
    }
    if (!(client instanceof ModelPublisher) && client.subscription.delivery === "reliable")
      this.#credit(wire, CREDIT_BYTES);
    this.#note();
  }

  /** The client's end of the connection fails; data on its way in either direction is lost. */
  cut(client: Client): void {
    const found = this.#find(client);
    if (found === undefined) return;
    this.#heldSince.clear();
    this.#drop(found.id);
    found.wire.drop();
    this.#room.left(this.#now, found.id, true);
  }

  /** The client closes, or reconnects silently, and never reads the rest of its queue. */
  abandon(client: Client, saysGoodbye: boolean): void {
    const found = this.#find(client);
    if (found === undefined || client instanceof ModelPublisher || this.#ghosts.size >= MAX_GHOSTS) return;
    this.#drop(found.id);
    this.#ghosts.set(found.id, found.wire);
    if (saysGoodbye) this.#room.left(this.#now, found.id, false);
  }

  /** The oldest unread connection finally disappears. */
  bury(): void {
    const [ghost] = this.#ghosts;
    if (ghost === undefined) return;
    const [id, wire] = ghost;
    wire.drop();
    this.#ghosts.delete(id);
    this.#room.left(this.#now, id, true);
  }

  /** Up to `count` messages arrive at the room. */
  arriveAtRoom(client: Client, count: number): void {
    for (let index = 0; index < count; index++) {
      const found = this.#find(client);
      const message = found?.wire.closed === undefined ? found?.wire.up.shift() : undefined;
      if (found === undefined || message === undefined) return;
      if (message === "ping") found.wire.answerPing(this.#now);
      else if (typeof message === "string") this.#room.text(this.#now, found.id, message);
      else this.#room.binary(this.#now, found.id, message);
      this.#note();
    }
  }

  /** Up to `count` messages arrive at the client; after the last one, it sees that the room closed. */
  arriveAtClient(client: Client, count: number): void {
    for (let index = 0; index < count; index++) {
      const found = this.#find(client);
      if (found === undefined) return;
      const message = found.wire.arrive();
      if (message === undefined) {
        if (found.wire.closed === undefined) return;
        this.#drop(found.id);
        this.#room.left(this.#now, found.id, true);
        return;
      }
      client.receive(message);
      const reliable = !(client instanceof ModelPublisher) && client.subscription.delivery === "reliable";
      if (reliable && typeof message !== "string") this.#credit(found.wire, message.byteLength);
      if (message === "pong") this.ping(client);
    }
  }

  ping(client: Client): void {
    const wire = client.wire;
    if (wire === undefined || wire.up.includes("ping") || wire.down.includes("pong")) return;
    wire.up.push("ping");
  }

  /** Time passes; the room's timer runs when it is due. */
  pass(ms: number): void {
    const end = this.#now + ms;
    let still = 0;
    for (let due = this.#room.dueAt; due !== undefined && due <= end; due = this.#room.dueAt) {
      still = due <= this.#now ? still + 1 : 0;
      if (still > 10) throw new Error("a timer that does not move on");
      this.#now = Math.max(this.#now, due);
      this.#room.tick(this.#now);
      this.#checkHold();
    }
    this.#now = end;
    this.#checkHold();
  }

  /** No subscriber without the right holds a publisher for longer than a burst does. */
  #checkHold(): void {
    const listed = this.#room.connections(this.#now, WHO);
    const mayHold = this.subscribers.some(({ wire, subscription }) => wire && subscription.delivery === "reliable");
    const held = "refused" in listed ? [] : listed.filter((one) => one.role === "publish" && one.held);
    const before = this.#heldSince;
    this.#heldSince = new Map();
    for (const { connection } of mayHold ? [] : held) {
      const since = before.get(connection) ?? this.#now;
      this.#heldSince.set(connection, since);
      if (this.#now - since > SMALL.holdMs) throw new Error(`${connection} was held for ${this.#now - since} ms`);
    }
  }

  /** The object leaves memory; its sockets stay. It first sends gathered frames, because a timer keeps it awake. */
  sleep(): void {
    this.pass(SMALL.gatherMs);
    // A queue keeps the room awake, so no unread connection with a queue remains.
    while (this.#ghosts.size > 0) this.bury();
    this.#endClosing();
    this.#room = this.#createRoom();
    const open = [...this.#wires.values()].filter(({ wire }) => wire.closed === undefined);
    const saved = open.flatMap(({ wire }) => (wire.saved === undefined ? [] : [{ saved: wire.saved, sink: wire }]));
    this.#room.restore(this.#now, saved);
  }

  /** The object dies with its sockets. */
  abort(): void {
    for (const id of [...this.#wires.keys()]) this.#drop(id);
    this.#ghosts.clear();
    this.#room = this.#createRoom();
  }

  /** The queue of all connections together, including closed and unread ones. */
  get queuedBytes(): number {
    const wires = [...this.#wires.values()].map(({ wire }) => wire);
    return [...wires, ...this.#ghosts.values()].reduce((sum, wire) => sum + wire.queuedBytes, 0);
  }

  /** The longest queue of any one subscriber. */
  mostQueued(): number {
    return Math.max(...this.subscribers.map(({ wire }) => wire?.queuedBytes ?? 0));
  }

  /** All clients are connected, everything is delivered, and each track ends with a group. */
  settle(): void {
    while (this.#ghosts.size > 0) this.bury();
    for (let round = 0, last = 60; round < last; round++) {
      for (const client of [...this.publishers, ...this.subscribers]) this.connect(client);
      if (round === 10) for (const publisher of this.publishers) publisher.write(10, Flag.key);
      for (const publisher of this.publishers) {
        while (publisher.send(3));
        publisher.sync();
      }
      for (const subscriber of this.subscribers) this.ping(subscriber);
      for (const client of [...this.publishers, ...this.subscribers]) {
        this.arriveAtRoom(client, 1000);
        this.arriveAtClient(client, 1000);
      }
      this.pass(400);
      if (!this.publishers.every(({ wire, isDone }) => wire === undefined || isDone)) last = Math.min(round + 60, 600);
    }
    for (const subscriber of this.subscribers) this.arriveAtClient(subscriber, 1000);
  }

  /** Also ends connections that the room has closed and whose clients have not read the rest. */
  #endClosing(): void {
    const listed = this.#room.connections(this.#now, WHO);
    const ids = "refused" in listed ? [] : listed.map(({ connection }) => connection);
    for (const id of [...this.#wires.keys()]) if (!ids.includes(id)) this.#drop(id);
  }

  #createRoom(): RoomCore {
    return new RoomCore(
      "room",
      storage(this.#kv),
      NO_RELAYS,
      aloneShell(() => `e${this.#epochs++}`),
      this.#now,
      this.#tuning,
    );
  }

  #credit(wire: Wire, bytes: number): void {
    wire.up.push(JSON.stringify({ type: "credit", bytes }));
  }

  #note(): void {
    for (const { name, epoch, next } of this.tracks) this.truth.accept(name, epoch, next ?? 0);
  }

  #find(client: Client): { readonly id: string; readonly wire: Wire } | undefined {
    for (const [id, found] of this.#wires) if (found.client === client) return { id, wire: found.wire };
    return undefined;
  }

  #drop(id: string): void {
    const client = this.#wires.get(id)?.client;
    this.#wires.delete(id);
    if (client === undefined) return;
    if (client instanceof ModelPublisher) client.lost();
    else client.wire = undefined;
  }
}

function storage(rows: Map<string, unknown>): KeyValueStore {
  return {
    get: <T>(key: string) => structuredClone(rows.get(key)) as T | undefined,
    put: (key, value) => void rows.set(key, structuredClone(value)),
    delete: (key) => rows.delete(key),
    list: <T>({ prefix = "" } = {}) => [...rows].filter(([key]) => key.startsWith(prefix)) as [string, T][],
  };
}
