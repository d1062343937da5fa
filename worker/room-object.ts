// The Durable Object of a room: platform events in, core calls out. It decides nothing.
import { DurableObject } from "cloudflare:workers";
import { PING, PONG } from "../protocol/control.ts";
import type { Address } from "../protocol/messages.ts";
import { type Env, readLimits } from "./config.ts";
import type { Attachment, Who } from "./core/attachment.ts";
import type { Grant, Join } from "./core/authorize.ts";
import type { Content } from "./core/members.ts";
import { isRefusal, type Refusal } from "./core/refusal.ts";
import type { Revocation } from "./core/revocations.ts";
import { type JoinRequest, RoomCore } from "./core/room.ts";
import type { RoomSettings } from "./core/room-settings.ts";
import { FRAMED } from "./credential.ts";
import { randomId } from "./ids.ts";
import { Problem } from "./problem.ts";
import { answerClose, socketSink } from "./socket-sink.ts";
import { Alarm, Timer } from "./wake.ts";

/** The header in which the Worker hands over a checked `JoinRequest`; what a client sends under this name is dropped. */
export const JOIN_HEADER = "x-roomcast-knock";

/** One room. Handlers of sockets are synchronous to the end of the fan-out, so that frames cannot interleave. */
export class Room extends DurableObject<Env> {
  readonly #core: RoomCore;
  /** The ids of connections, which the room minted. */
  readonly #ids = new WeakMap<WebSocket, string>();
  readonly #alarm: Alarm;
  readonly #timer = new Timer(() => {
    this.#core.tick(Date.now());
    this.#timer.set(this.#core.dueAt);
  });

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(PING, PONG));
    this.#alarm = new Alarm(ctx.storage);
    void ctx.blockConcurrencyWhile(() => this.#alarm.load());
    this.#core = new RoomCore(ctx.id.name ?? "", ctx.storage.kv, readLimits(env), () => randomId(12));
    const connections = [];
    for (const ws of ctx.getWebSockets()) {
      const saved = ws.deserializeAttachment() as Attachment | null;
      if (saved === null || ws.readyState !== WebSocket.OPEN) continue;
      this.#ids.set(ws, saved.id);
      connections.push({ saved, sink: socketSink(ctx, ws) });
    }
    this.#core.restore(Date.now(), connections);
  }

  create(settings: Partial<RoomSettings>): Refusal | undefined {
    return this.#act((now) => this.#core.create(now, settings));
  }

  admit(who: Who): Refusal | undefined {
    return this.#core.admit(who);
  }

  describe(who: Who) {
    return this.#core.describe(Date.now(), who);
  }

  connections(who: Who) {
    return this.#core.connections(Date.now(), who);
  }

  update(who: Who, changes: Partial<RoomSettings>): RoomSettings | Refusal {
    return this.#act((now) => this.#core.update(now, who, changes));
  }

  shut(who: Who): Refusal | true {
    return this.#act((now) => this.#core.shut(now, who));
  }

  issueTicket(id: string, of: Grant, grant: Grant, ttlMs: number): number | Refusal {
    return this.#act((now) => this.#core.issueTicket(now, id, of, grant, ttlMs));
  }

  renew(grant: Grant, connection: string): Refusal | true {
    return this.#act((now) => this.#core.renew(now, grant, connection));
  }

  revoke(who: Who, revocation: Revocation): number | Refusal {
    return this.#act((now) => this.#core.revoke(now, who, revocation));
  }

  kick(who: Who, connection: string): Refusal | true {
    return this.#act((now) => this.#core.kick(now, who, connection));
  }

  /** `content` is `Content` as JSON. */
  deliver(who: Who, to: Address, content: string): { connections: number; skipped: number } | Refusal {
    return this.#act((now) => this.#core.deliver(now, who, to, JSON.parse(content) as Content));
  }

  /** The upgrade. The Worker says in `JOIN_HEADER` who knocks and what for. */
  override fetch(request: Request): Response {
    const knock = JSON.parse(decodeURIComponent(request.headers.get(JOIN_HEADER) ?? "")) as JoinRequest;
    return this.#act((now) => {
      const join = this.#core.enter(now, knock);
      return isRefusal(join) ? new Problem(join.refused, join.detail).response() : this.#accept(now, join);
    });
  }

  override webSocketMessage(ws: WebSocket, message: string | ArrayBuffer): void {
    const id = this.#ids.get(ws);
    if (id === undefined) return;
    if (typeof message === "string") this.#core.text(Date.now(), id, message);
    else this.#core.binary(Date.now(), id, new Uint8Array(message));
    this.#timer.set(this.#core.dueAt);
  }

  override webSocketClose(ws: WebSocket, code: number, _reason: string, wasClean: boolean): void {
    // A peer that was cut off; one that said goodbye, or only sends no more, may still read what is queued.
    this.#left(ws, !wasClean && ws.readyState === WebSocket.CLOSED);
    answerClose(ws, code, wasClean);
  }

  override webSocketError(ws: WebSocket): void {
    this.#left(ws, true);
  }

  override alarm(): void {
    this.#alarm.rang();
    this.#act((now) => this.#core.alarm(now));
  }

  /** Lets the core act, and sees to it that the room wakes when the core wants it to. */
  #act<T>(act: (now: number) => T): T {
    const answer = act(Date.now());
    this.#timer.set(this.#core.dueAt);
    this.#alarm.by(this.#core.alarmAt);
    return answer;
  }

  #accept(now: number, join: Join): Response {
    const { 0: client, 1: server } = new WebSocketPair();
    const id = randomId(16);
    this.ctx.acceptWebSocket(server, [id]);
    this.#ids.set(server, id);
    this.#core.join(now, id, join, socketSink(this.ctx, server));
    const framed = join.role === "publish" || join.subscription.framed;
    const headers = framed ? { "sec-websocket-protocol": FRAMED } : undefined;
    return new Response(null, { status: 101, webSocket: client, ...(headers && { headers }) });
  }

  #left(ws: WebSocket, drops: boolean): void {
    const id = this.#ids.get(ws);
    if (id === undefined) return;
    this.#ids.delete(ws);
    this.#act((now) => this.#core.left(now, id, drops));
  }
}
