// The routes of the Worker, and the answers to refusals.
import { Hono } from "hono";
import { cors } from "hono/cors";
import { readConfig } from "./config.ts";
import { accessApi } from "./credentials-api.ts";
import type { AppEnv, Env } from "./env.ts";
import { membersApi } from "./members-api.ts";
import { methodNotAllowed, openApi, PATHS } from "./openapi.ts";
import { metrics, operatorsApi, webhookApi } from "./operators/api.ts";
import { isOriginAllowed } from "./origin.ts";
import { playbackApi } from "./playback-api.ts";
import { isPassing, Problem } from "./problem.ts";
import { limit } from "./rate-limit.ts";
import { recordingsApi } from "./recordings-api.ts";
import { roomParam, roomsApi } from "./rooms-api.ts";
import { upgrade } from "./upgrade.ts";
import { VERSION } from "./version.ts";

/**
 * The resources that the page may load: its own files, its own WebSocket, and media that it creates itself.
 * `frame-ancestors` is added separately.
 */
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
].join("; ");

/**
 * The URLs of the library and of the player contain no version. Soon after a deploy, every page has the files that fit
 * its Worker.
 */
const LIBRARY_CACHING = "public, max-age=300, stale-while-revalidate=86400";
/** The URLs of their parts contain a version. */
const PART_CACHING = "public, max-age=31536000, immutable";

export const app = new Hono<AppEnv>();

app.onError((error, c) => {
  if (error instanceof Problem) {
    if (error.code === "not_found" && isForPeople(c.req.raw)) return lost(c.env, c.req.url);
    return error.response();
  }
  if (isPassing(error)) return new Problem("room_unavailable", "it is restarting or overloaded").response();
  console.error("unexpected", error);
  return new Problem("internal_error", "see the log of the Worker").response();
});
app.notFound((c) => {
  if (isForPeople(c.req.raw)) return lost(c.env, c.req.url);
  return new Problem("not_found", "see PROTOCOL.md for the addresses").response();
});

app.use(async (c, next) => {
  c.set("config", readConfig(c.env));
  await next();
});
// Credentials are headers, never cookies. So every allowed origin may read answers, and a refused one may read the
// reason.
app.use(
  "/api/*",
  cors({ origin: (origin) => origin || null, allowHeaders: ["authorization", "content-type", "range"], maxAge: 600 }),
);
app.use("/api/*", async (c, next) => {
  if (!isOriginAllowed(c.req.raw, c.get("config"))) throw new Problem("origin_not_allowed", "see ALLOWED_ORIGINS");
  await next();
  if (!c.res.headers.has("cache-control")) c.header("cache-control", "no-store");
  c.header("x-content-type-options", "nosniff");
});

app.get("/api/health", (c) => c.json({ ok: true, version: VERSION }));
app.get("/api/openapi.json", (c) => c.json(openApi()));
app.route("/api/rooms", roomsApi);
app.route("/api/rooms", accessApi);
app.route("/api/rooms", membersApi);
app.route("/api/rooms", recordingsApi);
app.route("/api/rooms", playbackApi);
app.route("/api/rooms", webhookApi);
app.route("/api", operatorsApi);
app.get("/metrics", metrics);
app.get("/rooms/:room/ws", (c) => upgrade(c.req.raw, roomParam(c.req.param("room")), c.env, c.get("config")));
app.get("/roomcast.js", (c) => shared(c.env, c.req.raw, LIBRARY_CACHING));
app.get("/", (c) => page(c.env, c.req.url));
app.get("/console", (c) => page(c.env, c.req.url, [], "/console"));
app.get("/rooms/:room", (c) => {
  roomParam(c.req.param("room"));
  return page(c.env, c.req.url);
});
app.get("/rooms/:room/embed", async (c) => {
  const room = roomParam(c.req.param("room"));
  await limit(c.req.raw, c.env.EMBEDS, c.get("config"));
  return page(c.env, c.req.url, await c.env.ROOM.getByName(room).embedOrigins());
});
app.get("/roomcast-player.js", (c) => shared(c.env, c.req.raw, LIBRARY_CACHING));
app.get("/player/*", (c) => shared(c.env, c.req.raw, PART_CACHING));
for (const path of PATHS) app.all(path, (c) => methodNotAllowed(path, c.req.method));

/** `ancestors`: the origins of pages that may show it in a frame. */
async function page(env: Env, url: string, ancestors: readonly string[] = [], path = "/"): Promise<Response> {
  const asset = await env.ASSETS.fetch(new URL(path, url));
  const response = new Response(asset.body, asset);
  const frames = ancestors.length === 0 ? "'none'" : ancestors.join(" ");
  response.headers.set("content-security-policy", `${PAGE_POLICY}; frame-ancestors ${frames}`);
  response.headers.set("referrer-policy", "no-referrer");
  response.headers.set("x-content-type-options", "nosniff");
  return response;
}

/** Returns true if the request is for a page. Programs ask for JSON, or say nothing. */
function isForPeople({ method, headers, url }: Request): boolean {
  const isPage = (method === "GET" || method === "HEAD") && !new URL(url).pathname.startsWith("/api/");
  return isPage && (headers.get("accept") ?? "").includes("text/html");
}

/** The page, which itself shows that the address does not exist. */
async function lost(env: Env, url: string): Promise<Response> {
  const { body, headers } = await page(env, url);
  return new Response(body, { status: 404, headers });
}

/** A module that pages of any origin may load. */
async function shared(env: Env, request: Request, caching: string): Promise<Response> {
  const asset = await env.ASSETS.fetch(request);
  const response = new Response(asset.body, asset);
  response.headers.set("access-control-allow-origin", "*");
  response.headers.set("cross-origin-resource-policy", "cross-origin");
  response.headers.set("x-content-type-options", "nosniff");
  if (asset.ok) response.headers.set("cache-control", caching);
  return response;
}
