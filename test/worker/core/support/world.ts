// A room, its publishers and subscribers, and a network that does only what it is told.
import { Flag } from "../../../../protocol/frame.ts";
import type { Who } from "../../../../worker/core/attachment.ts";
import { Hub } from "../../../../worker/core/hub.ts";
import { DEFAULT_TUNING, type Tuning } from "../../../../worker/core/tuning.ts";
import { ModelPublisher } from "./model-publisher.ts";
import { FramedSubscriber, type ModelSubscriber, PlainSubscriber } from "./model-subscriber.ts";
import { Truth } from "./truth.ts";
import { Wire } from "./wire.ts";

/** Small bounds, so that short runs reach them. */
export const SMALL: Tuning = {
  ...DEFAULT_TUNING,
  historyBytes: 8000,
  blockBytes: 1000,
  historyMs: 30_000,
  windowBytes: 1000,
  heldBytes: 3000,
  heldTotalBytes: 9000,
  allowanceBytes: 20_000,
  publisherWindowBytes: 2000,
  sendBudget: 200,
  holdMs: 300,
};

const WHO: Who = { subject: undefined, jti: "test", issuedAt: 0, expiresAt: 0 };
const CREDIT_BYTES = 2000;

type Client = ModelPublisher | ModelSubscriber;

/** Everything of one run. Methods are the events that can happen. */
export class World {
  readonly truth = new Truth();
  readonly publishers: readonly ModelPublisher[];
  readonly subscribers: readonly ModelSubscriber[];
  readonly #tellsBuffered: boolean;
  readonly #wires = new Map<string, { readonly wire: Wire; readonly client: Client }>();
  #hub: Hub;
  #now = 1_000_000;
  #ids = 0;
  #epochs = 0;

  constructor(tellsBuffered: boolean) {
    this.#tellsBuffered = tellsBuffered;
    this.#hub = this.#createHub();
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

  get hub(): Hub {
    return this.#hub;
  }

  get now(): number {
    return this.#now;
  }

  connect(client: Client): void {
    if (client.wire !== undefined) return;
    const wire = new Wire(this.#tellsBuffered);
    const id = `c${this.#ids++}`;
    this.#wires.set(id, { wire, client });
    client.wire = wire;
    if (client instanceof ModelPublisher) this.#hub.publish(this.#now, id, WHO, client.publication, wire);
    else {
      client.begin?.();
      this.#hub.subscribe(this.#now, id, WHO, client.subscription, wire);
    }
    if (!(client instanceof ModelPublisher) && client.subscription.delivery === "reliable")
      this.#credit(wire, CREDIT_BYTES);
  }

  /** The client's end of the connection fails; what was on its way in either direction is lost. */
  cut(client: Client): void {
    const found = this.#find(client);
    if (found === undefined) return;
    this.#drop(found.id);
    this.#hub.left(this.#now, found.id);
  }

  /** Up to `count` messages arrive at the room. */
  arriveAtRoom(client: Client, count: number): void {
    for (let index = 0; index < count; index++) {
      const found = this.#find(client);
      const message = found?.wire.closed === undefined ? found?.wire.up.shift() : undefined;
      if (found === undefined || message === undefined) return;
      if (message === "ping") found.wire.answerPing(this.#now);
      else if (typeof message === "string") this.#hub.text(this.#now, found.id, message);
      else this.#hub.binary(this.#now, found.id, message);
      this.#note();
    }
  }

  /** Up to `count` messages arrive at the client; behind the last one it sees that the room closed. */
  arriveAtClient(client: Client, count: number): void {
    for (let index = 0; index < count; index++) {
      const found = this.#find(client);
      if (found === undefined) return;
      const message = found.wire.arrive();
      if (message === undefined) {
        if (found.wire.closed !== undefined) this.#drop(found.id);
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

  /** Time passes; the room's timer runs where it is due. */
  pass(ms: number): void {
    const end = this.#now + ms;
    for (let due = this.#hub.dueAt; due !== undefined && due <= end; due = this.#hub.dueAt) {
      this.#now = Math.max(this.#now, due);
      this.#hub.tick(this.#now);
      if (this.#hub.dueAt === due) throw new Error("a timer that does not move on");
    }
    this.#now = end;
  }

  /** The object leaves memory, its sockets stay. What it gathers is sent before: a timer keeps it awake. */
  sleep(): void {
    this.pass(SMALL.gatherMs);
    this.#hub = this.#createHub();
    const open = [...this.#wires.values()].filter(({ wire }) => wire.closed === undefined);
    const saved = open.flatMap(({ wire }) => (wire.saved === undefined ? [] : [{ saved: wire.saved, sink: wire }]));
    this.#hub.restore(this.#now, saved);
  }

  /** The object dies with its sockets. */
  abort(): void {
    for (const id of [...this.#wires.keys()]) this.#drop(id);
    this.#hub = this.#createHub();
  }

  /** The most that the room has queued for any one subscriber. */
  mostQueued(): number {
    return Math.max(...this.subscribers.map(({ wire }) => wire?.queuedBytes ?? 0));
  }

  /** Everybody is connected, everything is delivered, each track ends with a group. */
  settle(): void {
    for (let round = 0, last = 30; round < last; round++) {
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
      if (!this.publishers.every(({ wire, isDone }) => wire === undefined || isDone)) last = Math.min(round + 30, 300);
    }
  }

  #createHub(): Hub {
    return new Hub("room", SMALL, () => `e${this.#epochs++}`);
  }

  #credit(wire: Wire, bytes: number): void {
    wire.up.push(JSON.stringify({ type: "credit", bytes }));
  }

  #note(): void {
    for (const { epoch, next } of this.#hub.snapshot(this.#now).tracks)
      if (next !== null) this.truth.accept(epoch, next);
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
