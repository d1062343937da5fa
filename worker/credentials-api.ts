// Credentials of a room: tokens, tickets and revocations.
import { type Context, Hono } from "hono";
import type * as z from "zod/mini";
import { type Claims, RIGHTS, type Right } from "../protocol/claims.ts";
import {
  MAX_REUSABLE_TICKET_TTL_SECONDS,
  MAX_TICKET_TTL_SECONDS,
  MAX_TOKEN_CHARS,
  MAX_TOKEN_TTL_SECONDS,
} from "../protocol/limits.ts";
import { mintToken } from "../protocol/token.ts";
import { readBody } from "./body.ts";
import { type Grant, grants, lineage, narrow } from "./core/authorize.ts";
import type { Revocation } from "./core/revocations.ts";
import { authorize, TICKET_CHARS } from "./credential.ts";
import type { AppEnv } from "./env.ts";
import { randomId } from "./ids.ts";
import { Problem, unwrap } from "./problem.ts";
import { limit } from "./rate-limit.ts";
import { roomOf } from "./room-stub.ts";
import { roomParam } from "./rooms-api.ts";
import { revocationBody, ticketBody, tokenBody } from "./schemas.ts";

export const accessApi = new Hono<AppEnv>()
  .post("/:room/tokens", async (c) => {
    const room = roomParam(c.req.param("room"));
    const grant = await authorize(c.req.raw, c.get("config"), room, "admin");
    const { can, ttlSeconds, subject, tracks } = await readBody(c.req.raw, tokenBody);
    const { tracks: within } = unwrap(narrow(grant, can, tracks ?? null));
    const said = { can, ...(subject !== undefined && { sub: subject }), ...(within && { tracks: [...within] }) };
    const { token, claims } = await mint(c, room, grant, said, ttlSeconds);
    return c.json({ token, jti: claims.jti, expiresAt: claims.exp }, 201);
  })
  .post("/:room/tickets", async (c) => {
    const room = roomParam(c.req.param("room"));
    await limit(c.req.raw, c.env.TICKETS, c.get("config"));
    const grant = await authorize(c.req.raw, c.get("config"), room);
    const { role, tracks, ttlSeconds, reusable = false } = await readBody(c.req.raw, ticketBody);
    const atMost = reusable ? MAX_REUSABLE_TICKET_TTL_SECONDS : MAX_TICKET_TTL_SECONDS;
    const seconds = ttlSeconds ?? atMost;
    if (seconds > atMost) throw new Problem("invalid_request", `ttlSeconds: is more than ${atMost}`);
    if (reusable) return c.json(await reusableTicket(c, room, grant, role, tracks, seconds), 201);
    const wanted = ticketGrant(grant, role, tracks);
    const ticket = randomId(TICKET_CHARS);
    const stub = roomOf(c.env, room);
    const expiresAt = unwrap(await stub.issueTicket(ticket, grant, wanted, seconds * 1000));
    return c.json({ ticket, expiresAt }, 201);
  })
  .post("/:room/revocations", async (c) => {
    const room = roomParam(c.req.param("room"));
    const { who } = await authorize(c.req.raw, c.get("config"), room, "admin");
    const revocation = revocationOf(await readBody(c.req.raw, revocationBody));
    return c.json({ closed: unwrap(await roomOf(c.env, room).revoke(who, revocation)) }, 201);
  });

type Said = Pick<Claims, "can"> & Partial<Pick<Claims, "sub" | "tracks" | "ticketUntil">>;

/** Mints a token with the claims `said`, by the grant `of`, which limits its lifetime. Throws `Problem`. */
async function mint(c: Context<AppEnv>, room: string, of: Grant, said: Said, ttlSeconds: number) {
  const { via, until } = unwrap(lineage(of));
  const least = unwrap(await roomOf(c.env, room).mayMint(of.who, said.sub));
  // A revocation covers the whole second in which it comes. A token minted after it in the same second gets the next
  // second as its time.
  const iat = Math.max(Math.floor(Date.now() / 1000), least);
  const exp = Math.min(iat + ttlSeconds, until);
  const claims: Claims = { room, jti: randomId(20), iat, exp, ...said, ...(via !== undefined && { via }) };
  const token = await mintToken(claims, c.get("config").secrets[0]);
  if (token.length > MAX_TOKEN_CHARS) throw new Problem("invalid_request", "the token would be too long");
  return { token, claims };
}

/** A ticket for players that reconnect by themselves. It is signed, so the room does not have to remember it. */
async function reusableTicket(
  c: Context<AppEnv>,
  room: string,
  grant: Grant,
  role: string | undefined,
  tracks: readonly string[] | undefined,
  seconds: number,
) {
  if (role === "publish") throw new Problem("invalid_request", "reusable: a reusable ticket cannot publish");
  const { tracks: within } = unwrap(narrow(grant, ["subscribe"], tracks ?? null));
  const { subject } = grant.who;
  const untilToken = grant.who.expiresAt ?? Number.POSITIVE_INFINITY;
  const ticketUntil = Math.min(Math.floor(Date.now() / 1000) + seconds, untilToken);
  const named = { ...(subject !== undefined && { sub: subject }), ...(within !== null && { tracks: [...within] }) };
  const said: Said = { can: ["subscribe"], ticketUntil, ...named };
  // A connection opened with it lasts as long as the token that it comes from.
  const { token } = await mint(c, room, grant, said, MAX_TOKEN_TTL_SECONDS);
  return { ticket: token, expiresAt: ticketUntil * 1000 };
}

/** Rights that are not roles of a WebSocket, but may be used on one. */
const ALONGSIDE: readonly Right[] = ["message", "reliable"];

/** A ticket can only open a WebSocket, so it never carries `admin`. */
function ticketGrant(grant: Grant, role: "publish" | "subscribe" | undefined, tracks: string[] | undefined): Grant {
  const able = RIGHTS.filter((right) => right !== "admin" && grants(grant, right));
  const can = role === undefined ? able : [role, ...able.filter((right) => ALONGSIDE.includes(right))];
  if (can.length === 0) throw new Problem("forbidden", "the token cannot open a WebSocket");
  return unwrap(narrow(grant, can, tracks ?? null));
}

function revocationOf(body: z.infer<typeof revocationBody>): Revocation {
  if ("jti" in body) return { by: "jti", jti: body.jti };
  const nextSecond = Math.floor(Date.now() / 1000) + 1;
  const { issuedBefore = nextSecond } = body;
  if (issuedBefore > nextSecond) throw new Problem("invalid_request", "issuedBefore: is in the future");
  return "subject" in body
    ? { by: "subject", subject: body.subject, issuedBefore }
    : { by: "issued-before", issuedBefore };
}
