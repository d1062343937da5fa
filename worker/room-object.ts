// The Durable Object of a room: platform events in, core calls out. It decides nothing.
import { DurableObject } from "cloudflare:workers";
import { Close, closeText } from "../protocol/close.ts";
import { PING, PONG } from "../protocol/control.ts";
import type { Address } from "../protocol/messages.ts";
import type { Attachment, Who } from "./core/attachment.ts";
import { parseAttachment } from "./core/attachment-parser.ts";
import type { Grant, Join } from "./core/authorize.ts";
import type { Content } from "./core/members.ts";
import { isRefusal, type Refusal, refusal } from "./core/refusal.ts";
import type { Revocation } from "./core/revocations.ts";
import { type JoinRequest, RoomCore } from "./core/room.ts";
import type { RoomSettings } from "./core/room-settings.ts";
import { FRAMED } from "./credential.ts";
import { randomId } from "./ids.ts";
import { Problem } from "./problem.ts";
import { JOIN_HEADER, RETRY_MS, type RoomEnv } from "./room-env.ts";
import { readLimits } from "./room-limits.ts";
import { answerClose, socketSink } from "./socket-sink.ts";
import { guardedStore, StorageGuard, WriteFailed } from "./storage-guard.ts";
import { Alarm, Timer } from "./wake.ts";

/** One room. Handlers of sockets are synchronous to the end of the fan-out, so that frames cannot interleave. */
export class Room extends DurableObject<RoomEnv> {
  readonly #core: RoomCore;
  /** The ids of connections, which the room minted. */
  readonly #ids = new WeakMap<WebSocket, string>();
  readonly #alarm: Alarm;
  readonly #storage: StorageGuard;
  readonly #timer = new Timer(() => {
    this.#core.tick(Date.now());
    this.#timer.set(this.#core.dueAt);
  });

  constructor(ctx: DurableObjectState, env: RoomEnv) {
    super(ctx, env);
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(PING, PONG));
    this.#alarm = new Alarm(ctx.storage);
    this.#storage = new StorageGuard(env.STORAGE_PROBE);
    const kv = guardedStore(ctx.storage.kv);
    this.#core = new RoomCore(ctx.id.name ?? "", kv, readLimits(env), () => randomId(12));
    const connections = [];
    for (const ws of ctx.getWebSockets()) {
      if (ws.readyState !== WebSocket.OPEN) continue;
      const saved = savedOf(ws);
      if (saved === undefined) ws.close(Close.goingAway.code, closeText(Close.goingAway, "", RETRY_MS));
      if (saved === undefined) continue;
      this.#ids.set(ws, saved.id);
      connections.push({ saved, sink: socketSink(ctx, ws) });
    }
    this.#core.restore(Date.now(), connections);
    void ctx.blockConcurrencyWhile(async () => {
      await this.#alarm.load();
      this.#keep();
    });
  }

  create(settings: Partial<RoomSettings>): Promise<Refusal | undefined> {
    return this.#write((now) => this.#core.create(now, settings));
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

  update(who: Who, changes: Partial<RoomSettings>): Promise<RoomSettings | Refusal> {
    return this.#write((now) => this.#core.update(now, who, changes));
  }

  shut(who: Who): Promise<Refusal | true> {
    return this.#write((now) => this.#core.shut(now, who));
  }

  issueTicket(id: string, of: Grant, grant: Grant, ttlMs: number): Promise<number | Refusal> {
    return this.#write((now) => this.#core.issueTicket(now, id, of, grant, ttlMs));
  }

  renew(grant: Grant, connection: string): Refusal | true {
    return this.#act((now) => this.#core.renew(now, grant, connection));
  }

  revoke(who: Who, revocation: Revocation): Promise<number | Refusal> {
    return this.#write((now) => this.#core.revoke(now, who, revocation));
  }

  kick(who: Who, connection: string): Refusal | true {
    return this.#act((now) => this.#core.kick(now, who, connection));
  }

  /** `content` is `Content` as JSON. */
  deliver(who: Who, to: Address, content: string): { connections: number; skipped: number } | Refusal {
    return this.#act((now) => this.#core.deliver(now, who, to, JSON.parse(content) as Content));
  }

  /** The upgrade. The Worker says in `JOIN_HEADER` who knocks and what for. */
  override async fetch(request: Request): Promise<Response> {
    const knock = JSON.parse(decodeURIComponent(request.headers.get(JOIN_HEADER) ?? "")) as JoinRequest;
    const enter = (now: number) => this.#core.enter(now, knock);
    // A ticket is a row that goes when it is spent.
    const join = knock.credential.by === "ticket" ? await this.#write(enter) : enter(Date.now());
    if (isRefusal(join)) return new Problem(join.refused, join.detail).response();
    return this.#act((now) => this.#accept(now, join));
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

  override async alarm(): Promise<void> {
    this.#alarm.rang();
    const refused = await this.#write((now) => void this.#core.alarm(now));
    // The runtime rings again in a while. Had it no error it would write down that the alarm is done, which would fail.
    if (refused !== undefined) throw new WriteFailed(refused.detail);
  }

  /** Lets the core act, and sees to it that the room wakes when the core wants it to. */
  #act<T>(act: (now: number) => T): T {
    const answer = act(Date.now());
    this.#timer.set(this.#core.dueAt);
    this.#keep();
    return answer;
  }

  /** The same for what writes rows: refused where storage takes none. */
  async #write<T>(act: (now: number) => T): Promise<T | Refusal> {
    const refused = refusal("room_unavailable", "its storage takes no writes now");
    if (!(await this.#storage.isWritable())) return refused;
    try {
      return this.#storage.trusting(() => this.#act(act));
    } catch (error) {
      if (error instanceof WriteFailed) return refused;
      throw error;
    }
  }

  /** Writes what nobody asked for: the lease, and when to wake. */
  #keep(): void {
    if (!this.#core.isUnsaved(Date.now()) && !this.#alarm.isAfter(this.#core.alarmAt)) return;
    this.#storage.whenWritable(() => {
      this.#core.save(Date.now());
      this.#alarm.by(this.#core.alarmAt);
    });
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

/** What the connection had before the room slept; undefined where it cannot be read: then it has to begin anew. */
function savedOf(ws: WebSocket): Attachment | undefined {
  return parseAttachment(ws.deserializeAttachment());
}
