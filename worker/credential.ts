// The credential of a request, and the rights of its token.
import { isForRoom, type Right } from "../protocol/claims.ts";
import { TokenError, verifyToken } from "../protocol/token.ts";
import type { Config } from "./config.ts";
import { type Grant, grantOf, grants } from "./core/authorize.ts";
import type { Credential } from "./core/policy.ts";
import { Problem } from "./problem.ts";

/** The subprotocol of framed mode, and the prefix of the subprotocol that carries a token. */
export const FRAMED = "roomcast.v1";
const TOKEN_PREFIX = "token.";

/** The length of tickets from `POST .../tickets`. For other lengths, the room need not be asked. */
export const TICKET_CHARS = 32;
const TICKET = new RegExp(`^[0-9a-z]{${TICKET_CHARS}}$`);
/** Reusable tickets are signed, like tokens. */
const SIGNED = /^[\w-]+\.[\w-]+\.[\w-]+$/;

const NO_CREDENTIAL = "a valid credential of the room is needed";

/** The subprotocols that a WebSocket client offers. */
export function offeredProtocols(request: Request): string[] {
  const header = request.headers.get("sec-websocket-protocol") ?? "";
  return header.split(",").map((name) => name.trim());
}

/**
 * The grant of an API request's token in `room`, if it has `right` (when given). Throws `Problem`. The operator's key
 * grants everything.
 */
export async function authorize(request: Request, config: Config, room: string, right?: Right): Promise<Grant> {
  forbidTokenInUrl(request);
  const bearer = bearerOf(request);
  if (bearer === undefined) throw new Problem("unauthorized", NO_CREDENTIAL);
  const grant = (await isOperator(bearer, config)) ? operatorGrant() : await verify(bearer, config, room);
  if (right !== undefined && !grants(grant, right)) {
    throw new Problem("forbidden", `the token does not have the right ${right}`);
  }
  return grant;
}

/**
 * The credential of a client that opens a WebSocket: a validated token; a ticket, which only the room can validate; or
 * none.
 */
export async function credentialOf(request: Request, config: Config, room: string): Promise<Credential> {
  forbidTokenInUrl(request);
  const offered = offeredProtocols(request).find((name) => name.startsWith(TOKEN_PREFIX));
  const token = bearerOf(request) ?? offered?.slice(TOKEN_PREFIX.length);
  const tickets = new URL(request.url).searchParams.getAll("ticket");
  if (token !== undefined) {
    if (tickets.length > 0) throw new Problem("invalid_request", "send a token or a ticket, not both");
    return { by: "token", grant: await verify(token, config, room) };
  }
  // An authorization header without a credential is a mistake, not a visitor without a credential.
  if (tickets.length === 0 && !request.headers.has("authorization")) return { by: "none" };
  const [id = ""] = tickets;
  if (tickets.length === 1 && SIGNED.test(id)) return { by: "token", grant: await verify(id, config, room, "ticket") };
  if (tickets.length !== 1 || !TICKET.test(id)) throw new Problem("unauthorized", NO_CREDENTIAL);
  return { by: "ticket", id };
}

/** Returns true if this is the operator's key. */
export async function isOperator(bearer: string | undefined, { operatorKey }: Config): Promise<boolean> {
  return bearer !== undefined && operatorKey !== undefined && sameSecret(bearer, operatorKey);
}

/** The value of `Authorization: Bearer`. */
export function bearerOf(request: Request): string | undefined {
  return /^bearer +([\w.~+/=-]+)$/i.exec(request.headers.get("authorization") ?? "")?.[1];
}

/** Checks signature and time first, then the room. A ticket is not valid as a token, nor a token as a ticket. */
async function verify(token: string, { secrets }: Config, room: string, as = "token"): Promise<Grant> {
  try {
    const claims = await verifyToken(token, secrets, Date.now());
    const { ticketUntil } = claims;
    if ((ticketUntil === undefined ? "token" : "ticket") !== as) throw new Problem("unauthorized", NO_CREDENTIAL);
    if (ticketUntil !== undefined && Date.now() >= ticketUntil * 1000)
      throw new Problem("unauthorized", "the ticket has expired");
    if (!isForRoom(claims, room)) throw new Problem("unauthorized", "the token is for another room");
    return grantOf(claims);
  } catch (error) {
    if (error instanceof TokenError) throw new Problem("unauthorized", error.message, { cause: error });
    throw error;
  }
}

/** No revocation applies to the key: it is newer than all revocations so far. */
function operatorGrant(): Grant {
  const issuedAt = Math.floor(Date.now() / 1000) + 1;
  return { who: { subject: undefined, jti: null, issuedAt, expiresAt: null }, can: ["admin"], tracks: null };
}

/** Refuses a token in a URL, whatever other credential there is. */
export function forbidTokenInUrl(request: Request): void {
  if (new URL(request.url).searchParams.has("token")) {
    throw new Problem("invalid_request", "a token must not be in a URL");
  }
}

/** Returns true if two secrets are equal. The time does not depend on where they differ. */
export async function sameSecret(a: string, b: string): Promise<boolean> {
  const [left, right] = await Promise.all([digest(a), digest(b)]);
  return crypto.subtle.timingSafeEqual(left, right);
}

function digest(text: string): Promise<ArrayBuffer> {
  return crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
}
