// Who may come: tokens, tickets and revocations of a room.
import { Hono } from "hono";
import type * as z from "zod/mini";
import { type Claims, RIGHTS, type Right } from "../protocol/claims.ts";
import { MAX_TICKET_TTL_SECONDS, MAX_TOKEN_CHARS } from "../protocol/limits.ts";
import { mintToken } from "../protocol/token.ts";
import { readBody } from "./body.ts";
import { type Grant, grants, lineage, narrow } from "./core/authorize.ts";
import type { Revocation } from "./core/revocations.ts";
import { authorize, TICKET_CHARS } from "./credential.ts";
import type { AppEnv } from "./env.ts";
import { randomId } from "./ids.ts";
import { Problem, unwrap } from "./problem.ts";
import { limit } from "./rate-limit.ts";
import { roomParam } from "./rooms-api.ts";
import { revocationBody, ticketBody, tokenBody } from "./schemas.ts";

export const accessApi = new Hono<AppEnv>()
  .post("/:room/tokens", async (c) => {
    const room = roomParam(c.req.param("room"));
    const grant = await authorize(c.req.raw, c.get("config"), room, "admin");
    const { can, ttlSeconds, subject, tracks } = await readBody(c.req.raw, tokenBody);
    const { tracks: within } = unwrap(narrow(grant, can, tracks ?? null));
    const { via, until } = unwrap(lineage(grant));
    unwrap(await c.env.ROOM.getByName(room).admit(grant.who));
    const iat = Math.floor(Date.now() / 1000);
    const claims: Claims = {
      room,
      can,
      jti: randomId(20),
      iat,
      exp: Math.min(iat + ttlSeconds, until),
      ...(subject !== undefined && { sub: subject }),
      ...(within !== null && { tracks: [...within] }),
      ...(via !== undefined && { via }),
    };
    const token = await mintToken(claims, c.get("config").secrets[0]);
    if (token.length > MAX_TOKEN_CHARS) throw new Problem("invalid_request", "the token would be too long");
    return c.json({ token, jti: claims.jti, expiresAt: claims.exp }, 201);
  })
  .post("/:room/tickets", async (c) => {
    const room = roomParam(c.req.param("room"));
    await limit(c.req.raw, c.env.TICKETS, c.get("config"));
    const grant = await authorize(c.req.raw, c.get("config"), room);
    const { role, tracks, ttlSeconds = MAX_TICKET_TTL_SECONDS } = await readBody(c.req.raw, ticketBody);
    const wanted = ticketGrant(grant, role, tracks);
    const ticket = randomId(TICKET_CHARS);
    const stub = c.env.ROOM.getByName(room);
    const expiresAt = unwrap(await stub.issueTicket(ticket, grant, wanted, ttlSeconds * 1000));
    return c.json({ ticket, expiresAt }, 201);
  })
  .post("/:room/revocations", async (c) => {
    const room = roomParam(c.req.param("room"));
    const { who } = await authorize(c.req.raw, c.get("config"), room, "admin");
    const revocation = revocationOf(await readBody(c.req.raw, revocationBody));
    return c.json({ closed: unwrap(await c.env.ROOM.getByName(room).revoke(who, revocation)) }, 201);
  });

/** Rights that are no role of a WebSocket, but may be used on one. */
const ALONGSIDE: readonly Right[] = ["message", "reliable"];

/** A ticket opens a WebSocket and nothing else: it never carries `admin`. */
function ticketGrant(grant: Grant, role: "publish" | "subscribe" | undefined, tracks: string[] | undefined): Grant {
  const able = RIGHTS.filter((right) => right !== "admin" && grants(grant, right));
  const can = role === undefined ? able : [role, ...able.filter((right) => ALONGSIDE.includes(right))];
  if (can.length === 0) throw new Problem("forbidden", "the token opens no WebSocket");
  return unwrap(narrow(grant, can, tracks ?? null));
}

function revocationOf(body: z.infer<typeof revocationBody>): Revocation {
  if ("jti" in body) return { by: "jti", jti: body.jti };
  const nextSecond = Math.floor(Date.now() / 1000) + 1;
  const { issuedBefore = nextSecond } = body;
  if (issuedBefore > nextSecond) throw new Problem("invalid_request", "issuedBefore: lies in the future");
  return "subject" in body
    ? { by: "subject", subject: body.subject, issuedBefore }
    : { by: "issued-before", issuedBefore };
}
