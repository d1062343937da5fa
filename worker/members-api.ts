// Members of a room: list, renew and end connections, and deliver messages to them.
import { Hono } from "hono";
import type * as z from "zod/mini";
import { MAX_HTTP_MESSAGE_BYTES } from "../protocol/limits.ts";
import { readBody } from "./body.ts";
import { listConnections, parsePage } from "./connection-list.ts";
import { authorize } from "./credential.ts";
import type { AppEnv } from "./env.ts";
import { Problem, unwrap } from "./problem.ts";
import { roomOf } from "./room-stub.ts";
import { roomParam } from "./rooms-api.ts";
import { emptyBody, messageBody } from "./schemas.ts";

/** The largest bytes in base64, and the JSON around them. */
const MAX_BODY_BYTES = Math.ceil((MAX_HTTP_MESSAGE_BYTES * 4) / 3) + 1024;

export const membersApi = new Hono<AppEnv>()
  .get("/:room/connections", async (c) => {
    const room = roomParam(c.req.param("room"));
    const { who } = await authorize(c.req.raw, c.get("config"), room, "admin");
    const { after, limit } = parsePage(new URL(c.req.url).searchParams);
    return c.json(await listConnections(c.env, room, who, after, limit));
  })
  .delete("/:room/connections/:id", async (c) => {
    const room = roomParam(c.req.param("room"));
    const { who } = await authorize(c.req.raw, c.get("config"), room, "admin");
    unwrap(await roomOf(c.env, room).kick(who, c.req.param("id")));
    return c.body(null, 204);
  })
  .post("/:room/connections/:id/token", async (c) => {
    const room = roomParam(c.req.param("room"));
    const grant = await authorize(c.req.raw, c.get("config"), room);
    await readBody(c.req.raw, emptyBody);
    unwrap(await roomOf(c.env, room).renew(grant, c.req.param("id")));
    return c.body(null, 204);
  })
  .post("/:room/messages", async (c) => {
    const room = roomParam(c.req.param("room"));
    const { who } = await authorize(c.req.raw, c.get("config"), room, "message");
    const message = await readBody(c.req.raw, messageBody, MAX_BODY_BYTES);
    const stub = roomOf(c.env, room);
    return c.json(unwrap(await stub.deliver(who, message.to ?? "all", contentOf(message))));
  });

/** The content as JSON text, in the form that goes to the room. */
function contentOf(message: z.infer<typeof messageBody>): string {
  const isBytes = "bytes" in message;
  const size = isBytes ? atob(message.bytes).length : new TextEncoder().encode(JSON.stringify(message.body)).byteLength;
  if (size > MAX_HTTP_MESSAGE_BYTES) {
    throw new Problem("body_too_large", `a message may have at most ${MAX_HTTP_MESSAGE_BYTES} bytes`);
  }
  return JSON.stringify(isBytes ? { bytes: message.bytes } : { body: message.body });
}
