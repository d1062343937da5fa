// The Durable Object of a room: platform events in, core calls out. It decides nothing.
import { DurableObject } from "cloudflare:workers";
import { PING, PONG } from "../protocol/control.ts";
import type { Env } from "./config.ts";
import { Hub } from "./core/hub.ts";
import type { Saved } from "./core/saved.ts";
import { DEFAULT_SETTINGS } from "./core/settings.ts";
import { FRAMED } from "./credential.ts";
import { randomId } from "./ids.ts";
import type { Join } from "./join.ts";
import { Problem } from "./problem.ts";
import { socketSink } from "./socket-sink.ts";

/** The header in which the Worker hands over a checked `Join`; what a client sends under this name is dropped. */
export const JOIN_HEADER = "x-roomcast-join";

/** What is stored of a room: one record, written when it is created. */
interface Stored {
  readonly id: string;
  /** ms since 1970. */
  readonly createdAt: number;
}

const STORED = "room";

/** One room. Handlers of sockets are synchronous to the end of the fan-out, so that frames cannot interleave. */
export class Room extends DurableObject<Env> {
  readonly #hub: Hub;
  /** The ids of connections, which the core minted names for. */
  readonly #ids = new WeakMap<WebSocket, string>();
  #timer: { readonly at: number; readonly handle: ReturnType<typeof setTimeout> } | undefined;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(PING, PONG));
    this.#hub = new Hub(ctx.id.name ?? "", DEFAULT_SETTINGS, () => randomId(12));
    const connections = [];
    for (const ws of ctx.getWebSockets()) {
      const saved = ws.deserializeAttachment() as Saved | null;
      if (saved === null || ws.readyState !== WebSocket.OPEN) continue;
      this.#ids.set(ws, saved.id);
      connections.push({ saved, sink: socketSink(ctx, ws) });
    }
    this.#hub.restore(Date.now(), connections);
  }

  /** Creates the room; false where it exists. */
  create(): boolean {
    if (this.#stored() !== undefined) return false;
    this.ctx.storage.kv.put(STORED, { id: this.ctx.id.name ?? "", createdAt: Date.now() } satisfies Stored);
    return true;
  }

  /** What the room tells of itself; undefined where it was never created. */
  describe() {
    const stored = this.#stored();
    if (stored === undefined) return undefined;
    return { ...this.#hub.snapshot(Date.now()), createdAt: stored.createdAt };
  }

  /** The upgrade, already authorized by the Worker, which says in `JOIN_HEADER` who joins and how. */
  override fetch(request: Request): Response {
    if (this.#stored() === undefined) return new Problem("room_not_found", "create it with POST /api/rooms").response();
    const join = JSON.parse(request.headers.get(JOIN_HEADER) ?? "") as Join;
    const { 0: client, 1: server } = new WebSocketPair();
    const id = randomId(16);
    this.ctx.acceptWebSocket(server, [id]);
    this.#ids.set(server, id);
    const sink = socketSink(this.ctx, server);
    if (join.role === "publish") this.#hub.publish(Date.now(), id, join.who, join.publication, sink);
    else this.#hub.subscribe(Date.now(), id, join.who, join.subscription, sink);
    this.#schedule();
    const framed = join.role === "publish" || join.subscription.framed;
    const headers = framed ? { "sec-websocket-protocol": FRAMED } : undefined;
    return new Response(null, { status: 101, webSocket: client, ...(headers && { headers }) });
  }

  override webSocketMessage(ws: WebSocket, message: string | ArrayBuffer): void {
    const id = this.#ids.get(ws);
    if (id === undefined) return;
    if (typeof message === "string") this.#hub.text(Date.now(), id, message);
    else this.#hub.binary(Date.now(), id, new Uint8Array(message));
    this.#schedule();
  }

  override webSocketClose(ws: WebSocket): void {
    this.#left(ws);
  }

  override webSocketError(ws: WebSocket): void {
    this.#left(ws);
  }

  #left(ws: WebSocket): void {
    const id = this.#ids.get(ws);
    if (id === undefined) return;
    this.#ids.delete(ws);
    this.#hub.left(Date.now(), id);
    this.#schedule();
  }

  #stored(): Stored | undefined {
    return this.ctx.storage.kv.get<Stored>(STORED);
  }

  /** One timer, for what the core waits for next; none while nothing waits, so that the room can sleep. */
  #schedule(): void {
    const at = this.#hub.dueAt;
    if (at === this.#timer?.at) return;
    if (this.#timer !== undefined) clearTimeout(this.#timer.handle);
    this.#timer = undefined;
    if (at === undefined) return;
    const handle = setTimeout(() => this.#tick(), Math.max(0, at - Date.now()));
    this.#timer = { at, handle };
  }

  #tick(): void {
    this.#timer = undefined;
    this.#hub.tick(Date.now());
    this.#schedule();
  }
}
