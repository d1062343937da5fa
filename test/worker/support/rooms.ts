// Rooms from inside the runtime: created over HTTP, joined over real WebSockets of workerd.
import { env, exports } from "cloudflare:workers";
import { encodeMessage, Flag, type Frame, FrameType } from "../../../protocol/frame.ts";
import type { Room } from "../../../worker/room-object.ts";

/** Only a test that fails waits this long. A machine that others use may stand still for seconds. */
const PATIENCE_MS = 30_000;

export type Tokens = { readonly admin: string; readonly publish: string; readonly subscribe: string };

/** A request to the Worker under test. */
export function request(path: string, init?: RequestInit): Promise<Response> {
  return exports.default.fetch(new Request(`http://roomcast.test${path}`, init));
}

/** A room with a random id, and the stub of its object. */
export async function createRoom() {
  const response = await request("/api/rooms", { method: "POST", body: "{}" });
  const { room, tokens } = (await response.json()) as { room: string; tokens: Tokens };
  return { room, tokens, stub: env.ROOM.getByName(room) as DurableObjectStub<Room> };
}

/** One WebSocket, with everything that it received. */
export class Peer {
  readonly text: Record<string, unknown>[] = [];
  readonly binary: Uint8Array[] = [];
  pongs = 0;
  closed: { readonly code: number; readonly reason: string } | undefined;
  readonly #socket: WebSocket;
  #changed: (() => void) | undefined;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    socket.addEventListener("message", ({ data }) => this.#message(data));
    socket.addEventListener("close", ({ code, reason }) => {
      this.closed = { code, reason };
      this.#changed?.();
    });
    socket.accept();
  }

  send(message: string | Uint8Array | object): void {
    const isRaw = typeof message === "string" || message instanceof Uint8Array;
    this.#socket.send(isRaw ? message : JSON.stringify(message));
  }

  /** A sign of life: the room closes a framed connection that gives none for 30 s (W8). */
  ping(): void {
    this.#socket.send("ping");
  }

  close(code = 1000): void {
    this.#socket.close(code, "");
  }

  /** The texts of one type. */
  said(type: string): Record<string, unknown>[] {
    return this.text.filter((message) => message.type === type);
  }

  /** Resolves with the result of `probe`, which is called after each message; rejects after 30 s. */
  async until<T>(what: string, probe: (peer: this) => T): Promise<NonNullable<T>> {
    // `Date` may be the test's own.
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      const found = probe(this);
      if (found) return found as NonNullable<T>;
      if (performance.now() > deadline) throw new Error(`no ${what}: ${JSON.stringify(this.text).slice(0, 500)}`);
      await this.#change();
    }
  }

  #message(data: unknown): void {
    if (data === "pong") this.pongs++;
    else if (typeof data === "string") this.text.push(JSON.parse(data));
    else this.binary.push(new Uint8Array(data as ArrayBuffer));
    this.#changed?.();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, 200);
      this.#changed = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** Joins with this query; framed unless `plain`. Throws the body of a refusal. */
export async function join(room: string, token: string, query = "", plain = false): Promise<Peer> {
  return new Peer(await open(room, token, query, plain));
}

async function open(room: string, token: string, query: string, plain: boolean): Promise<WebSocket> {
  const headers: Record<string, string> = { upgrade: "websocket", authorization: `Bearer ${token}` };
  if (!plain) headers["sec-websocket-protocol"] = "roomcast.v1";
  const response = await request(`/rooms/${room}/ws?${query}`, { headers });
  if (response.webSocket === null) throw new Error(await response.text());
  return response.webSocket;
}

/** A frame without its payload, which is `fill` repeated. */
export function frame(sequence: number, bytes: number, flags = 0, track = 0): Frame {
  const payload = new Uint8Array(bytes).fill(sequence & 0xff);
  return { type: FrameType.frame, flags, track, sequence, timestamp: 0, payload };
}

/** A publisher that sends each frame as a message. */
export class TestPublisher extends Peer {
  frames(...frames: Frame[]): void {
    for (const one of frames) this.send(encodeMessage([one]));
  }

  /** Asks for acks until everything below `sequence` is acknowledged. */
  async acknowledged(sequence: number): Promise<void> {
    this.send({ type: "sync", sequence });
    await this.until(`ack ${sequence}`, (peer) => peer.said("ack").some((ack) => ack.sequence === sequence));
  }
}

/** An accepted publisher. */
export async function publish(room: string, token: string, query = ""): Promise<TestPublisher> {
  const publisher = new TestPublisher(await open(room, token, `role=publish&${query}`, false));
  await publisher.until("publish", (peer) => peer.said("publish")[0]);
  return publisher;
}

export const { key: KEY, init: INIT, end: END } = Flag;
