// The common part of a room's objects: platform events in, core calls out, and a timer and an alarm for the core.
import { Close, closeText } from "../protocol/close.ts";
import { PING, PONG } from "../protocol/control.ts";
import type { Attachment } from "./core/attachment.ts";
import { parseAttachment } from "./core/attachment-parser.ts";
import type { Join } from "./core/authorize.ts";
import { type Refusal, refusal } from "./core/refusal.ts";
import type { Sink } from "./core/sink.ts";
import { FRAMED } from "./credential.ts";
import { randomId } from "./ids.ts";
import { RETRY_MS, type RoomEnv } from "./room-env.ts";
import { answerClose, socketSink } from "./socket-sink.ts";
import { guardedStore, StorageGuard, WriteFailed } from "./storage-guard.ts";
import { Alarm, Timer } from "./wake.ts";

/** The core's interface for the shell. Times are ms since 1970. */
export interface ObjectCore {
  join(now: number, id: string, join: Join, sink: Sink): void;
  text(now: number, id: string, text: string): void;
  binary(now: number, id: string, bytes: Uint8Array): void;
  left(now: number, id: string, drops: boolean): void;
  readonly dueAt: number | undefined;
  tick(now: number): void;
  readonly alarmAt: number | undefined;
  alarm(now: number): void;
  isUnsaved(now: number): boolean;
  save(now: number): void;
  /** A call from outside, an upgrade, or an alarm begins. */
  requested?(now: number): void;
  /** Something other than a message was processed. */
  acted?(now: number): void;
  alarmWasSet?(): void;
}

/**
 * Drives the core of one object. Handlers of sockets are synchronous up to the end of the fan-out, so frames cannot
 * interleave.
 */
export class ObjectShell {
  readonly #ctx: DurableObjectState;
  readonly #core: () => ObjectCore;
  /** The suffix of the ids of connections. */
  readonly #suffix: () => string;
  /** The ids of connections, which the object assigned. */
  readonly #ids = new WeakMap<WebSocket, string>();
  readonly #alarm: Alarm;
  readonly #storage: StorageGuard;
  readonly #timer = new Timer(() => this.turn((now) => this.#core().tick(now)));

  constructor(ctx: DurableObjectState, env: RoomEnv, core: () => ObjectCore, suffix: () => string) {
    this.#ctx = ctx;
    this.#core = core;
    this.#suffix = suffix;
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(PING, PONG));
    this.#alarm = new Alarm(ctx.storage);
    this.#storage = new StorageGuard(env.STORAGE_PROBE, env.INSTANCE);
  }

  get kv() {
    return guardedStore(this.#ctx.storage.kv);
  }

  /** The connections that survived the object's sleep. If one cannot be read, its client has to reconnect. */
  connections(): { readonly ws: WebSocket; readonly saved: Attachment; readonly sink: Sink }[] {
    const connections = [];
    for (const ws of this.#ctx.getWebSockets()) {
      if (ws.readyState !== WebSocket.OPEN) continue;
      const saved = parseAttachment(ws.deserializeAttachment());
      if (saved === undefined) ws.close(Close.goingAway.code, closeText(Close.goingAway, "", RETRY_MS));
      if (saved === undefined) continue;
      if (saved.role !== "link") this.#ids.set(ws, saved.id);
      connections.push({ ws, saved, sink: socketSink(this.#ctx, ws) });
    }
    return connections;
  }

  /** Call this after the core was restored. */
  start(): void {
    void this.#ctx.blockConcurrencyWhile(async () => {
      await this.#alarm.load();
      this.#keep();
      this.#timer.set(this.#core().dueAt);
    });
  }

  /** Like `turn`, for calls from outside. */
  act<T>(act: (now: number) => T): T {
    this.#core().requested?.(Date.now());
    return this.turn(act);
  }

  /** Runs the core, and makes sure that the object wakes when the core needs it. */
  turn<T>(act: (now: number) => T): T {
    const answer = act(Date.now());
    this.#core().acted?.(Date.now());
    this.#timer.set(this.#core().dueAt);
    this.#keep();
    return answer;
  }

  /** The same for calls that write rows. Refused if storage accepts no writes. */
  async write<T>(act: (now: number) => T): Promise<T | Refusal> {
    const refused = refusal("room_unavailable", "its storage currently accepts no writes");
    if (!(await this.#storage.isWritable())) return refused;
    try {
      return this.#storage.trusting(() => this.act(act));
    } catch (error) {
      if (error instanceof WriteFailed) return refused;
      throw error;
    }
  }

  /** Accepts a connection, and returns the answer to the upgrade. */
  accept(join: Join): Response {
    return this.turn((now) => {
      const { client, server } = this.socket();
      const id = randomId(16) + this.#suffix();
      this.#ctx.acceptWebSocket(server, [id]);
      this.#ids.set(server, id);
      this.#core().join(now, id, join, socketSink(this.#ctx, server));
      return upgraded(client, join.role === "publish" || join.subscription.framed);
    });
  }

  socket(): { readonly client: WebSocket; readonly server: WebSocket } {
    const { 0: client, 1: server } = new WebSocketPair();
    return { client, server };
  }

  message(ws: WebSocket, message: string | ArrayBuffer): void {
    const id = this.#ids.get(ws);
    if (id === undefined) return;
    const core = this.#core();
    if (typeof message === "string") core.text(Date.now(), id, message);
    else core.binary(Date.now(), id, new Uint8Array(message));
    this.done();
  }

  /** After a message: stores changes only if the core asks for it. */
  done(): void {
    this.#timer.set(this.#core().dueAt);
    if (this.#core().isUnsaved(Date.now())) this.#keep();
  }

  closed(ws: WebSocket, code: number, wasClean: boolean): void {
    // `true` for a peer that was cut off. A peer that closed, or only stopped sending, may still read its queue.
    this.left(ws, !wasClean && ws.readyState === WebSocket.CLOSED);
    answerClose(ws, code, wasClean);
  }

  left(ws: WebSocket, drops: boolean): void {
    const id = this.#ids.get(ws);
    if (id === undefined) return;
    this.#ids.delete(ws);
    this.turn((now) => this.#core().left(now, id, drops));
  }

  async alarm(): Promise<void> {
    this.#alarm.rang();
    const refused = await this.write((now) => void this.#core().alarm(now));
    // The runtime repeats the alarm later. Without the error, it would store that the alarm is done, which would fail.
    if (refused !== undefined) throw new WriteFailed(refused.detail);
  }

  /** Stores changes that no request caused, and the next wake-up time. */
  #keep(): void {
    const core = this.#core();
    if (!core.isUnsaved(Date.now()) && !this.#alarm.isAfter(core.alarmAt)) return;
    this.#storage.whenWritable(() => {
      core.save(Date.now());
      if (this.#alarm.by(core.alarmAt)) core.alarmWasSet?.();
      this.#timer.set(core.dueAt);
    });
  }
}

/** The answer to an accepted upgrade. */
export function upgraded(webSocket: WebSocket, framed: boolean): Response {
  const headers = framed ? { "sec-websocket-protocol": FRAMED } : undefined;
  return new Response(null, { status: 101, webSocket, ...(headers && { headers }) });
}
