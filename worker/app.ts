// The routes of the Worker: which URL leads where, and how every refusal is answered.
import { Hono } from "hono";
import { type Config, type Env, readConfig } from "./config.ts";
import { authorize, FRAMED, offeredProtocols } from "./credential.ts";
import { parseJoin } from "./join.ts";
import { Problem } from "./problem.ts";
import { JOIN_HEADER } from "./room.ts";
import { roomParam, roomsApi } from "./rooms-api.ts";
import { VERSION } from "./version.ts";

/** What handlers find in their context. */
export interface AppEnv {
  Bindings: Env;
  Variables: { config: Config };
}

/** What the page may load: its own files, its own WebSocket, and media that it makes itself. */
const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob: data:",
  "media-src blob:",
  "connect-src 'self' ws: wss:",
  "worker-src blob:",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join("; ");

export const app = new Hono<AppEnv>();

app.onError((error) => {
  if (error instanceof Problem) return error.response();
  console.error("unexpected", error);
  return new Problem("internal_error", "see the log of the Worker").response();
});
app.notFound(() => new Problem("not_found", "see PROTOCOL.md for what there is").response());

app.use(async (c, next) => {
  c.set("config", readConfig(c.env));
  await next();
});

app.get("/api/health", (c) => c.json({ ok: true, version: VERSION }));
app.route("/api/rooms", roomsApi);
app.get("/rooms/:room/ws", async (c) => {
  const room = roomParam(c.req.param("room"));
  const request = c.req.raw;
  if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
    throw new Problem("upgrade_required", "open this URL as a WebSocket");
  }
  const framed = offeredProtocols(request).includes(FRAMED);
  const claims = await authorize(request, c.get("config").secrets, room);
  const join = parseJoin(new URL(request.url).searchParams, framed, claims);
  const headers = new Headers({ upgrade: "websocket", [JOIN_HEADER]: JSON.stringify(join) });
  if (framed) headers.set("sec-websocket-protocol", FRAMED);
  return c.env.ROOM.getByName(room).fetch(request.url, { headers });
});
app.get("/", (c) => page(c.env, c.req.url));
app.get("/rooms/:room", (c) => {
  roomParam(c.req.param("room"));
  return page(c.env, c.req.url);
});

async function page(env: Env, url: string): Promise<Response> {
  const asset = await env.ASSETS.fetch(new URL("/", url));
  const response = new Response(asset.body, asset);
  response.headers.set("content-security-policy", PAGE_POLICY);
  response.headers.set("referrer-policy", "no-referrer");
  response.headers.set("x-content-type-options", "nosniff");
  return response;
}
