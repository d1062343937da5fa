// The Worker for self-hosting: does Cloudflare's part around it, and tells all clients to reconnect before it ends.
import { Close, closeText } from "../protocol/close.ts";
import { clientAddress, TrustedProxies, withoutPort } from "./client-address.ts";
import { readConfig } from "./config.ts";
import { reconnectMs } from "./core/occupancy.ts";
import type { Env } from "./env.ts";
import { LINK_HEADER } from "./link-dialer.ts";
import { LocalDatabase, type LocalIndex } from "./local-index.ts";
import { LocalSender, LocalQueue as QueueObject, type QueuesEnv } from "./local-queue.ts";
import { LocalRateLimit, type RateLimitRule } from "./local-rate-limit.ts";
import { Problem } from "./problem.ts";
import { LINK_TAG, Relay as RelayObject } from "./relay-object.ts";
import { Room as RoomObject } from "./room-object.ts";
import { app } from "./routes.ts";
import { setValues } from "./set-values.ts";

export * from "./index.ts";
export { Instance } from "./instances.ts";
export { LocalIndex } from "./local-index.ts";

/** The variables that `roomcast serve` adds. */
interface SelfHostedEnv extends Env, Partial<QueuesEnv> {
  /** `RateLimitRule[]` as JSON. */
  readonly RATE_LIMITS?: string;
  /** In the form of `TrustedProxies`. */
  readonly TRUSTED_PROXIES?: string;
  readonly LOCAL_INDEX?: DurableObjectNamespace<LocalIndex>;
  readonly ROOM: DurableObjectNamespace<Room>;
  readonly RELAY: DurableObjectNamespace<Relay>;
}

/** The number of objects that are recalled at the same time: each may have to be woken. */
const RECALLED_AT_ONCE = 64;

// All objects of a process share an isolate with this module. So its state covers the whole process, including sleeping
// rooms.

/** The objects with connections of clients, and their numbers, by namespace and id. */
const connections = new Map<string, { readonly objects: "ROOM" | "RELAY"; readonly id: string; count: number }>();
let isLeaving = false;

/** The environment without unset variables, and with objects in place of D1 and Queues. */
function surroundings(env: SelfHostedEnv): SelfHostedEnv {
  const set = setValues(env);
  const { LOCAL_INDEX, LOCAL_QUEUES } = set;
  if (LOCAL_INDEX === undefined || LOCAL_QUEUES === undefined) return set;
  return {
    ...set,
    INDEX: new LocalDatabase(LOCAL_INDEX),
    EVENTS: new LocalSender(LOCAL_QUEUES, "roomcast-events"),
    WEBHOOKS: new LocalSender(LOCAL_QUEUES, "roomcast-webhooks"),
  };
}

/** A queue, whose consumer is in the same process. */
export class LocalQueue extends QueueObject {
  constructor(ctx: DurableObjectState, env: SelfHostedEnv & QueuesEnv) {
    super(ctx, env, surroundings(env));
  }
}

/** A room whose connections are counted, and can be sent away. */
export class Room extends RoomObject {
  constructor(ctx: DurableObjectState, env: SelfHostedEnv) {
    super(ctx, surroundings(env));
  }

  override async fetch(request: Request): Promise<Response> {
    const response = await super.fetch(request);
    if (response.status === 101) count("ROOM", this.ctx.id, 1);
    return response;
  }

  override webSocketClose(ws: WebSocket, code: number, reason: string, wasClean: boolean): void {
    super.webSocketClose(ws, code, reason, wasClean);
    count("ROOM", this.ctx.id, -1);
  }

  override webSocketError(ws: WebSocket): void {
    super.webSocketError(ws);
    count("ROOM", this.ctx.id, -1);
  }

  recall(afterMs: number): number {
    return sendAway(this.ctx, afterMs);
  }
}

/** The same for a relay. The link to its parent is not sent away. */
export class Relay extends RelayObject {
  override async fetch(request: Request): Promise<Response> {
    const response = await super.fetch(request);
    if (response.status === 101 && !request.headers.has(LINK_HEADER)) count("RELAY", this.ctx.id, 1);
    return response;
  }

  override webSocketClose(ws: WebSocket, code: number, reason: string, wasClean: boolean): void {
    const isClient = !isLink(this.ctx, ws);
    super.webSocketClose(ws, code, reason, wasClean);
    if (isClient) count("RELAY", this.ctx.id, -1);
  }

  override webSocketError(ws: WebSocket): void {
    const isClient = !isLink(this.ctx, ws);
    super.webSocketError(ws);
    if (isClient) count("RELAY", this.ctx.id, -1);
  }

  recall(afterMs: number): number {
    return sendAway(this.ctx, afterMs);
  }
}

/** Tells all clients of an object to reconnect, not before `afterMs`. Returns their number. */
function sendAway(ctx: DurableObjectState, afterMs: number): number {
  // The object may have moved to another process, which continues.
  if (!isLeaving) return 0;
  const open = ctx.getWebSockets().filter((ws) => ws.readyState === WebSocket.OPEN && !isLink(ctx, ws));
  const retryMs = afterMs + reconnectMs({ subscribers: open.length, publishers: 0 });
  for (const ws of open) ws.close(Close.goingAway.code, closeText(Close.goingAway, "", retryMs));
  return open.length;
}

function isLink(ctx: DurableObjectState, ws: WebSocket): boolean {
  return ctx.getTags(ws).includes(LINK_TAG);
}

let limits: Partial<Record<string, LocalRateLimit>> | undefined;
let proxies: TrustedProxies | undefined;

/** The entry for clients. */
export default {
  fetch(request: Request, env: SelfHostedEnv, context: ExecutionContext): Response | Promise<Response> {
    if (isLeaving) return comeBack();
    limits ??= limitsOf(env);
    proxies ??= new TrustedProxies(env.TRUSTED_PROXIES ?? "");
    return app.fetch(asFromEdge(request, proxies), { ...surroundings(env), ...limits }, context);
  },
};

/** The entry for the server, over a socket that nobody else has. */
export const control = {
  async fetch(request: Request, env: SelfHostedEnv): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/recall")
      return Response.json({ recalled: await recall(env, Number(searchParams.get("after"))) });
    try {
      readConfig(surroundings(env));
    } catch (error) {
      if (error instanceof Problem) return error.response();
      throw error;
    }
    const all = [...connections.values()];
    return Response.json({
      rooms: all.filter(({ objects }) => objects === "ROOM").length,
      relays: all.filter(({ objects }) => objects === "RELAY").length,
      connections: all.reduce((sum, one) => sum + one.count, 0),
    });
  },
};

/** Nobody should wait for the room: another process is about to take its place. */
function comeBack(): Response {
  const response = new Problem("room_unavailable", "it is restarting").response();
  response.headers.set("retry-after", "1");
  return response;
}

async function recall(env: SelfHostedEnv, afterMs: number): Promise<number> {
  isLeaving = true;
  const objects = [...connections.values()];
  let recalled = 0;
  const work = async () => {
    for (let one = objects.pop(); one !== undefined; one = objects.pop()) {
      const namespace = env[one.objects];
      const object = namespace.get(namespace.idFromString(one.id)) as unknown as Pick<Room, "recall">;
      const told = await Promise.resolve(object.recall(afterMs)).catch(() => 0);
      recalled += told;
    }
  };
  await Promise.all(Array.from({ length: RECALLED_AT_ONCE }, work));
  return recalled;
}

function count(objects: "ROOM" | "RELAY", objectId: DurableObjectId, change: 1 | -1): void {
  const id = objectId.toString();
  const key = `${objects} ${id}`;
  const one = connections.get(key) ?? { objects, id, count: 0 };
  one.count += change;
  if (one.count > 0) connections.set(key, one);
  else connections.delete(key);
}

function limitsOf({ RATE_LIMITS = "[]" }: SelfHostedEnv): Record<string, LocalRateLimit> {
  const rules = JSON.parse(RATE_LIMITS) as RateLimitRule[];
  return Object.fromEntries(rules.map((rule) => [rule.name, new LocalRateLimit(rule)]));
}

/** The request as Cloudflare would pass it on: with the client's address, and the client's scheme. */
function asFromEdge(request: Request, trusted: TrustedProxies): Request {
  const peer = withoutPort(String((request.cf as { clientIp?: string } | undefined)?.clientIp ?? ""));
  const headers = new Headers(request.headers);
  const forwarded = headers.get("x-forwarded-for");
  headers.set("cf-connecting-ip", clientAddress(peer, forwarded, trusted));
  const isSecure = trusted.has(peer) && headers.get("x-forwarded-proto") === "https";
  const url = isSecure ? request.url.replace(/^http:/, "https:") : request.url;
  return new Request(new Request(url, request), { headers });
}
