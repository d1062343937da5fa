// The operators' API: rooms, usage and webhooks, from the index.
import { type Context, Hono } from "hono";
import { readBody } from "../body.ts";
import { authorize, bearerOf, isOperator } from "../credential.ts";
import type { AppEnv } from "../env.ts";
import { Problem, unwrap } from "../problem.ts";
import { roomOf } from "../room-stub.ts";
import { roomParam } from "../rooms-api.ts";
import { emptyBody } from "../schemas.ts";
import { deliveryOfRow, roomOfRow, sampleOfRow, usageOfRow } from "./answers.ts";
import { listDeliveries, renew } from "./deliveries.ts";
import type { IndexDatabase } from "./index-database.ts";
import { exposition } from "./metrics.ts";
import { parseDeliveries, parseRooms, parseSamples, parseUsageQuery } from "./queries.ts";
import { dayOf, listRooms, listUsage, samplesOf } from "./room-index.ts";
import { indexOf } from "./schema.ts";
import { webhookBody } from "./schemas.ts";
import { urlObjection } from "./webhook-address.ts";
import { secretOf } from "./webhook-signature.ts";

/** Checks that the caller has the operator's key. Returns the index. */
async function indexFor(c: Context<AppEnv>): Promise<IndexDatabase> {
  if (new URL(c.req.url).searchParams.has("token")) throw new Problem("invalid_request", "a key must not be in a URL");
  if (!(await isOperator(bearerOf(c.req.raw), c.get("config")))) {
    throw new Problem("unauthorized", "this needs Authorization: Bearer <OPERATOR_KEY>");
  }
  return bound(c);
}

function bound(c: Context<AppEnv>): IndexDatabase {
  if (c.env.INDEX !== undefined) return c.env.INDEX;
  throw new Problem("not_enabled", "this Worker has no index of rooms: see docs/operating.md");
}

/** Checks that the caller is an admin of the room. Returns the creation time of the room. */
async function createdAtFor(c: Context<AppEnv, "/:room/webhook">, room: string): Promise<number> {
  const { who } = await authorize(c.req.raw, c.get("config"), room, "admin");
  return unwrap(await roomOf(c.env, room).describe(who)).createdAt;
}

export const operatorsApi = new Hono<AppEnv>()
  .get("/rooms", async (c) => {
    const index = await indexFor(c);
    const query = parseRooms(new URL(c.req.url).searchParams);
    const rows = await listRooms(index, query);
    const { prices } = c.get("config").operators;
    const rooms = rows.map((row) => roomOfRow(row, Date.now(), prices));
    return c.json({ rooms, next: rows.length < query.limit ? null : (rows.at(-1)?.room ?? null) });
  })
  .get("/usage", async (c) => {
    const index = await indexFor(c);
    const query = parseUsageQuery(new URL(c.req.url).searchParams, dayOf(Date.now()));
    const rows = await listUsage(index, query);
    const { prices } = c.get("config").operators;
    const last = rows.length < query.limit ? undefined : rows.at(-1);
    const next = last === undefined ? null : `${last.day}/${last.room}/${last.created_at}`;
    return c.json({ usage: rows.map((row) => usageOfRow(row, prices)), prices: prices.date, next });
  })
  .get("/samples", async (c) => {
    const index = await indexFor(c);
    const samples = await samplesOf(index, parseSamples(new URL(c.req.url).searchParams), Date.now());
    return c.json({ samples: samples.map(sampleOfRow) });
  })
  .get("/deliveries", async (c) => {
    const index = await indexFor(c);
    const query = parseDeliveries(new URL(c.req.url).searchParams);
    const rows = await listDeliveries(index, query);
    const last = rows.length < query.limit ? undefined : rows.at(-1);
    return c.json({ deliveries: rows.map(deliveryOfRow), next: last === undefined ? null : `${last.at}/${last.id}` });
  })
  .post("/deliveries/:id", async (c) => {
    const index = await indexOf(await indexFor(c));
    await readBody(c.req.raw, emptyBody);
    const id = c.req.param("id");
    if (c.env.WEBHOOKS === undefined) throw new Problem("not_enabled", "no queue is bound as WEBHOOKS");
    const order = await renew(index, id);
    if (order === null) throw new Problem("delivery_not_found", "it may be too old");
    await c.env.WEBHOOKS.send(order);
    return c.body(null, 204);
  });

export const webhookApi = new Hono<AppEnv>()
  .get("/:room/webhook", async (c) => {
    const room = roomParam(c.req.param("room"));
    const createdAt = await createdAtFor(c, room);
    const index = await indexOf(bound(c));
    const found = await index
      .prepare("SELECT url FROM webhooks WHERE room = ? AND created_at = ?")
      .bind(room, createdAt)
      .first<{ url: string }>();
    const secret = await secretOf(room, createdAt, c.get("config").secrets[0]);
    return c.json({ url: found?.url ?? null, secret });
  })
  .put("/:room/webhook", async (c) => {
    const room = roomParam(c.req.param("room"));
    const createdAt = await createdAtFor(c, room);
    const { url } = await readBody(c.req.raw, webhookBody);
    const { operators, secrets } = c.get("config");
    const wrong = urlObjection(url, operators.addresses);
    if (wrong !== undefined) throw new Problem("invalid_request", `url: ${wrong}`);
    const index = await indexOf(bound(c));
    await index
      .prepare("INSERT OR REPLACE INTO webhooks (room, created_at, url, set_at) VALUES (?, ?, ?, ?)")
      .bind(room, createdAt, url, Date.now())
      .run();
    return c.json({ url, secret: await secretOf(room, createdAt, secrets[0]) });
  })
  .delete("/:room/webhook", async (c) => {
    const room = roomParam(c.req.param("room"));
    await createdAtFor(c, room);
    const index = await indexOf(bound(c));
    await index.prepare("DELETE FROM webhooks WHERE room = ?").bind(room).run();
    return c.body(null, 204);
  });

/** `GET /metrics`, for Prometheus. */
export async function metrics(c: Context<AppEnv>): Promise<Response> {
  const text = await exposition(await indexFor(c), c.get("config").operators);
  return c.body(text, 200, {
    "content-type": "text/plain; version=0.0.4; charset=utf-8",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
  });
}
