// The routes of the Worker: which URL leads where, and how every refusal is answered.
import { Hono } from "hono";
import { cors } from "hono/cors";
import { readConfig } from "./config.ts";
import { accessApi } from "./credentials-api.ts";
import type { AppEnv, Env } from "./env.ts";
import { membersApi } from "./members-api.ts";
import { methodNotAllowed, openApi, PATHS } from "./openapi.ts";
import { isOriginAllowed } from "./origin.ts";
import { isPassing, Problem } from "./problem.ts";
import { roomParam, roomsApi } from "./rooms-api.ts";
import { upgrade } from "./upgrade.ts";
import { VERSION } from "./version.ts";

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
  if (isPassing(error)) return new Problem("room_unavailable", "it is restarted or has too much to do").response();
  console.error("unexpected", error);
  return new Problem("internal_error", "see the log of the Worker").response();
});
app.notFound(() => new Problem("not_found", "see PROTOCOL.md for what there is").response());

app.use(async (c, next) => {
  c.set("config", readConfig(c.env));
  await next();
});
app.use("/api/*", async (c, next) => {
  if (!isOriginAllowed(c.req.raw, c.get("config"))) throw new Problem("origin_not_allowed", "see ALLOWED_ORIGINS");
  await next();
  c.header("cache-control", "no-store");
  c.header("x-content-type-options", "nosniff");
});
// Credentials are headers, never cookies: whoever may come may read.
app.use(
  "/api/*",
  cors({ origin: (origin) => origin || null, allowHeaders: ["authorization", "content-type"], maxAge: 600 }),
);

app.get("/api/health", (c) => c.json({ ok: true, version: VERSION }));
app.get("/api/openapi.json", (c) => c.json(openApi()));
app.route("/api/rooms", roomsApi);
app.route("/api/rooms", accessApi);
app.route("/api/rooms", membersApi);
app.get("/rooms/:room/ws", (c) => upgrade(c.req.raw, roomParam(c.req.param("room")), c.env, c.get("config")));
app.get("/", (c) => page(c.env, c.req.url));
app.get("/rooms/:room", (c) => {
  roomParam(c.req.param("room"));
  return page(c.env, c.req.url);
});
for (const path of PATHS) app.all(path, (c) => methodNotAllowed(path, c.req.method));

async function page(env: Env, url: string): Promise<Response> {
  const asset = await env.ASSETS.fetch(new URL("/", url));
  const response = new Response(asset.body, asset);
  response.headers.set("content-security-policy", PAGE_POLICY);
  response.headers.set("referrer-policy", "no-referrer");
  response.headers.set("x-content-type-options", "nosniff");
  return response;
}
