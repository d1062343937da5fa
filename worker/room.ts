// The Durable Object of a room: platform events in, core calls out. It decides nothing.
import { DurableObject } from "cloudflare:workers";
import { Close, type CloseReason } from "../protocol/close.ts";
import { PING, PONG } from "../protocol/control.ts";
import type { Address } from "../protocol/messages.ts";
import { type Env, readLimits } from "./config.ts";
import { expiryOf, isExpired, type Revocation } from "./core/access.ts";
import { type Credential, Doors } from "./core/doors.ts";
import { type Asked, type Grant, type Join, permit } from "./core/entry.ts";
import { Hub } from "./core/hub.ts";
import { type Content, Members } from "./core/members.ts";
import { isRefusal, type Refusal, refusal } from "./core/refusal.ts";
import { type RoomSettings, toCore } from "./core/room-settings.ts";
import type { Saved, Who } from "./core/saved.ts";
import { DEFAULT_SETTINGS } from "./core/settings.ts";
import { FRAMED } from "./credential.ts";
import { randomId } from "./ids.ts";
import { Problem } from "./problem.ts";
import { socketSink } from "./socket-sink.ts";
import { Alarm, Timer } from "./wake.ts";

/** The header in which the Worker hands over a checked `Knock`; what a client sends under this name is dropped. */
export const KNOCK_HEADER = "x-roomcast-knock";

/** Somebody at the door: what is asked for, and with what. */
export interface Knock {
  readonly asked: Asked;
  readonly credential: Credential;
}

/** One room. Handlers of sockets are synchronous to the end of the fan-out, so that frames cannot interleave. */
export class Room extends DurableObject<Env> {
  readonly #doors: Doors;
  /** Read by the core at each use. */
  readonly #settings = { ...DEFAULT_SETTINGS };
  #members: Members;
  #hub: Hub;
  /** The ids of connections, which the core minted names for. */
  readonly #ids = new WeakMap<WebSocket, string>();
  readonly #timer = new Timer(() => this.#tick());
  readonly #alarm: Alarm;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(PING, PONG));
    this.#alarm = new Alarm(ctx.storage);
    void ctx.blockConcurrencyWhile(() => this.#alarm.load());
    this.#doors = new Doors(ctx.storage.kv, readLimits(env));
    Object.assign(this.#settings, toCore(this.#doors.settings));
    [this.#members, this.#hub] = this.#furnish();
    const connections = [];
    for (const ws of ctx.getWebSockets()) {
      const saved = ws.deserializeAttachment() as Saved | null;
      if (saved === null || ws.readyState !== WebSocket.OPEN) continue;
      this.#ids.set(ws, saved.id);
      connections.push({ saved, sink: socketSink(ctx, ws) });
    }
    this.#hub.restore(Date.now(), connections);
    this.#members.restore(
      Date.now(),
      connections.map(({ saved, sink }) => memberOf(saved, sink)),
    );
    this.#expire(Date.now());
  }

  /** Creates the room. */
  create(settings: Partial<RoomSettings>): Refusal | undefined {
    const refused = this.#doors.create(Date.now(), this.ctx.id.name ?? "", settings);
    if (refused === undefined) this.#apply();
    return refused;
  }

  /** Does the token count here? */
  admit(who: Who): Refusal | undefined {
    return this.#doors.admit(who);
  }

  /** What the room tells of itself. */
  describe(who: Who) {
    return this.#for(who, (now) => {
      const { createdAt, settings } = this.#doors;
      return { ...this.#hub.snapshot(now), state: "open" as const, createdAt, settings };
    });
  }

  /** Changes settings; answers all of them. */
  update(who: Who, changes: Partial<RoomSettings>): RoomSettings | Refusal {
    return this.#for(who, (now) => {
      this.#doors.change(changes);
      this.#apply();
      if (changes.public === false) this.#hub.disconnect(now, Close.revoked, (_, { jti }) => jti === null);
      if (changes.presence !== undefined) this.#members.rulesChanged(now);
      return this.#doors.settings;
    });
  }

  /** Closes the room for good. */
  shut(who: Who): Refusal | true {
    return this.#for(who, (now) => this.#shut(now));
  }

  /** `grant` for whoever brings `id`, once: answers until when. */
  issueTicket(who: Who, id: string, grant: Grant, ttlMs: number): number | Refusal {
    return this.#for(who, (now) => this.#doors.issueTicket(now, id, grant, ttlMs));
  }

  /** Revokes tokens, and closes the connections that were made with them: answers how many. */
  revoke(who: Who, revocation: Revocation): number | Refusal {
    return this.#for(who, (now) => {
      const meets = this.#doors.revoke(now, revocation);
      return isRefusal(meets) ? meets : this.#disconnect(now, Close.revoked, (_, owner) => meets(owner));
    });
  }

  connections(who: Who) {
    return this.#for(who, (now) => this.#hub.connections(now));
  }

  /** Ends one connection. */
  kick(who: Who, connection: string): Refusal | true {
    return this.#for(who, (now) => {
      const kicked = this.#disconnect(now, Close.kicked, (id) => id === connection);
      return kicked > 0 || refusal("connection_not_found", "it may have gone already");
    });
  }

  /** Delivers a message; `content` is `Content` as JSON. */
  deliver(who: Who, to: Address, content: string): { connections: number; skipped: number } | Refusal {
    return this.#for(who, (now) => {
      const from = { connection: null, subject: who.subject ?? null };
      const delivery = this.#members.deliver(now, from, to, JSON.parse(content) as Content);
      if (!("error" in delivery)) return delivery;
      if (delivery.error === "unknown_address") return refusal("unknown_address", "no connection has it now");
      return refusal("too_many_requests", "the room delivers no more messages for the moment");
    });
  }

  /** The upgrade. The Worker says in `KNOCK_HEADER` who knocks and what for. */
  override fetch(request: Request): Response {
    const now = Date.now();
    const { asked, credential } = JSON.parse(decodeURIComponent(request.headers.get(KNOCK_HEADER) ?? "")) as Knock;
    const grant = this.#doors.enter(now, credential);
    const join = isRefusal(grant) ? grant : permit(asked, grant, this.#doors.settings.delivery);
    if (isRefusal(join)) return new Problem(join.refused, join.detail).response();
    const { 0: client, 1: server } = new WebSocketPair();
    this.#accept(now, join, server);
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

  override alarm(): void {
    const now = Date.now();
    this.#alarm.rang();
    this.#expire(now);
    if (this.#doors.tick(now, this.#hub.isEmpty)) this.#shut(now);
    this.#alarm.by(this.#hub.expiresAt);
    this.#alarm.by(this.#doors.dueAt(this.#hub.isEmpty));
  }

  /** Acts for somebody whose token counts here. */
  #for<T>(who: Who, act: (now: number) => T): T | Refusal {
    const refused = this.#doors.admit(who);
    if (refused !== undefined) return refused;
    const answer = act(Date.now());
    this.#schedule();
    this.#alarm.by(this.#doors.dueAt(this.#hub.isEmpty));
    return answer;
  }

  #accept(now: number, join: Join, server: WebSocket): void {
    const id = randomId(16);
    this.ctx.acceptWebSocket(server, [id]);
    this.#ids.set(server, id);
    const sink = socketSink(this.ctx, server);
    if (join.role === "publish") this.#hub.publish(now, id, join.who, join.publication, sink);
    else this.#hub.subscribe(now, id, join.who, join.subscription, sink);
    const framed = join.role === "publish" || join.subscription.framed;
    if (this.#hub.has(id)) this.#members.join(now, { id, role: join.role, framed, who: join.who, sink });
    if (join.who.expiresAt !== null) this.#alarm.by(expiryOf(join.who.expiresAt));
    this.#schedule();
  }

  #left(ws: WebSocket): void {
    const id = this.#ids.get(ws);
    if (id === undefined) return;
    const now = Date.now();
    this.#ids.delete(ws);
    this.#hub.left(now, id);
    this.#members.left(now, id);
    if (this.#hub.isEmpty) {
      this.#doors.emptied(now);
      this.#alarm.by(this.#doors.dueAt(true));
    }
    this.#schedule();
  }

  #disconnect(now: number, reason: CloseReason, matches: (id: string, who: Who) => boolean): number {
    return this.#hub.disconnect(now, reason, (id, who) => {
      if (!matches(id, who)) return false;
      this.#members.left(now, id);
      return true;
    });
  }

  #expire(now: number): void {
    this.#disconnect(now, Close.tokenExpired, (_, who) => isExpired(who, now));
  }

  #shut(now: number): true {
    this.#disconnect(now, Close.roomClosed, () => true);
    this.#doors.close(now);
    this.#apply();
    [this.#members, this.#hub] = this.#furnish();
    this.#timer.set(undefined);
    return true;
  }

  #furnish(): [Members, Hub] {
    const members = new Members(() => this.#doors.settings);
    return [members, new Hub(this.ctx.id.name ?? "", this.#settings, () => randomId(12), members)];
  }

  #apply(): void {
    Object.assign(this.#settings, toCore(this.#doors.settings));
    this.#alarm.by(this.#doors.dueAt(this.#hub.isEmpty));
  }

  #schedule(): void {
    const due = [this.#hub.dueAt, this.#members.dueAt].filter((at) => at !== undefined);
    this.#timer.set(due.length === 0 ? undefined : Math.min(...due));
  }

  #tick(): void {
    this.#hub.tick(Date.now());
    this.#members.tick(Date.now());
    this.#schedule();
  }
}

function memberOf(saved: Saved, sink: ReturnType<typeof socketSink>) {
  const { id, who } = saved;
  if (saved.role === "publisher") return { id, who, sink, role: "publish" as const, framed: true };
  return { id, who, sink, role: "subscribe" as const, framed: saved.subscription.framed };
}
