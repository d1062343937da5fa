// A model of a room with thousands of subscribers: it is lost, restarts, and accepts them at a limited rate.
import type { Environment, HttpAnswer } from "../../../client/environment.ts";
import type { ServerMessage } from "../../../protocol/control.ts";
import { FakeSocket } from "./fake.ts";
import type { VirtualClock } from "./virtual-clock.ts";

/** The room's value in `welcome` and `occupancy`: 800 first retries a second. */
const RECONNECT_MS_PER_SUBSCRIBER = 1.25;
const UPGRADES_PER_SECOND = 1000;
/** If its queue is longer, it refuses. */
const MAX_QUEUE_MS = 1000;
const MAX_LATENCY_MS = 80;
const OCCUPANCY_MS = 1000;

/** The room, and the environment of its clients. Times in `upgrades`, `asked` and `taken` are the clock's. */
export class ModelRoom {
  readonly upgrades: number[] = [];
  /** GETs and POSTs over HTTP. */
  readonly asked: number[] = [];
  readonly taken: number[] = [];
  readonly #clock: VirtualClock;
  readonly #random: () => number;
  readonly #sockets = new Set<ModelSocket>();
  #awayUntil = 0;
  /** When all waiting upgrades will have been accepted. */
  #freeAt = 0;
  #connections = 0;

  constructor(clock: VirtualClock, random: () => number) {
    this.#clock = clock;
    this.#random = random;
    this.#tellOccupancy();
  }

  get subscribers(): number {
    return this.#sockets.size;
  }

  /** All clients lose the room at the same moment; it refuses upgrades for `ms`. Resets its counts. */
  lose(ms: number): void {
    this.#awayUntil = this.#clock.now() + ms;
    for (const counted of [this.upgrades, this.asked, this.taken]) counted.length = 0;
    const lost = [...this.#sockets];
    this.#sockets.clear();
    for (const socket of lost) socket.end(1006);
  }

  /** `tellsRefusals`: as in Node; otherwise as in a page. */
  environment(tellsRefusals: boolean): Environment {
    const clock = this.#clock;
    return {
      dial: (url, protocols) => this.#dial(new ModelSocket(url, protocols, (run) => this.#soon(run)), tellsRefusals),
      now: () => clock.now(),
      random: this.#random,
      setTimeout: (run, ms) => clock.setTimeout(run, ms),
      clearTimeout: (timer) => clock.clearTimeout(timer),
      fetch: () => this.#fetch(),
      tellsRefusals,
    };
  }

  #dial(socket: ModelSocket, tellsRefusals: boolean): FakeSocket {
    this.upgrades.push(this.#clock.now());
    this.#soon(() => {
      const retryAfterMs = this.#retryAfterSeconds() * 1000;
      if (retryAfterMs === 0) this.#queue(socket);
      else if (tellsRefusals) socket.refuse({ status: 503, code: "room_unavailable", retryAfterMs });
      else socket.end();
    });
    return socket;
  }

  async #fetch(): Promise<HttpAnswer> {
    this.asked.push(this.#clock.now());
    await new Promise<void>((resolve) => this.#soon(resolve));
    const seconds = this.#retryAfterSeconds();
    const headers = { get: (name: string) => (name === "retry-after" && seconds > 0 ? String(seconds) : null) };
    return { status: seconds > 0 ? 503 : 200, headers, json: async () => ({}) };
  }

  /** 0: the room accepts another one. */
  #retryAfterSeconds(): number {
    const now = this.#clock.now();
    if (now < this.#awayUntil) return Math.ceil((this.#awayUntil - now) / 1000);
    return this.#freeAt - now > MAX_QUEUE_MS ? 1 : 0;
  }

  #queue(socket: ModelSocket): void {
    const now = this.#clock.now();
    this.#freeAt = Math.max(now, this.#freeAt) + 1000 / UPGRADES_PER_SECOND;
    this.#clock.setTimeout(() => this.#take(socket), this.#freeAt - now);
  }

  #take(socket: ModelSocket): void {
    const now = this.#clock.now();
    if (now < this.#awayUntil) return socket.end();
    if (socket.closedWith !== undefined) return;
    this.#sockets.add(socket);
    this.taken.push(now);
    socket.open();
    const connection = `c${this.#connections++}`;
    socket.deliver({ type: "welcome", connection, room: "r", now, reconnectMs: this.#reconnectMs });
  }

  #tellOccupancy(): void {
    const occupancy = { type: "occupancy", subscribers: this.subscribers, publishers: 0 } as const;
    const message: ServerMessage = { ...occupancy, reconnectMs: this.#reconnectMs };
    for (const socket of this.#sockets) socket.deliver(message);
    this.#clock.setTimeout(() => this.#tellOccupancy(), OCCUPANCY_MS);
  }

  get #reconnectMs(): number {
    return Math.ceil(this.subscribers * RECONNECT_MS_PER_SUBSCRIBER);
  }

  /** After a trip through the network. */
  #soon(run: () => void): void {
    this.#clock.setTimeout(run, this.#random() * MAX_LATENCY_MS);
  }
}

/** Answers pings, like the platform. */
class ModelSocket extends FakeSocket {
  readonly #soon: (run: () => void) => void;

  constructor(url: string, protocols: readonly string[], soon: (run: () => void) => void) {
    super(url, protocols);
    this.#soon = soon;
  }

  override send(data: string | Uint8Array): void {
    if (data === "ping") this.#soon(() => this.deliver("pong"));
  }
}
