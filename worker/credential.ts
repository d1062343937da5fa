// Who asks: the credential of a request, and what its token says.
import { isForRoom, type Right } from "../protocol/claims.ts";
import { TokenError, verifyToken } from "../protocol/token.ts";
import type { Config } from "./config.ts";
import { type Grant, grantOf, grants } from "./core/authorize.ts";
import type { Credential } from "./core/policy.ts";
import { Problem } from "./problem.ts";

/** The subprotocol of framed mode, and the prefix of the one that carries a token. */
export const FRAMED = "roomcast.v1";
const TOKEN_PREFIX = "token.";

/** Tickets as `POST .../tickets` gives them; others are not worth asking the room. */
export const TICKET_CHARS = 32;
const TICKET = new RegExp(`^[0-9a-z]{${TICKET_CHARS}}$`);

const NO_CREDENTIAL = "a valid credential of the room is needed";

/** The subprotocols that a WebSocket client offers. */
export function offeredProtocols(request: Request): string[] {
  const header = request.headers.get("sec-websocket-protocol") ?? "";
  return header.split(",").map((name) => name.trim());
}

/** What the token of an API request gives in `room`, where it has `right` if one is named. Throws `Problem`. The operator's key gives everything. */
export async function authorize(request: Request, config: Config, room: string, right?: Right): Promise<Grant> {
  forbidTokenInUrl(request);
  const bearer = bearerOf(request);
  if (bearer === undefined) throw new Problem("unauthorized", NO_CREDENTIAL);
  const grant = (await isOperator(bearer, config)) ? operatorGrant() : await verify(bearer, config, room);
  if (right !== undefined && !grants(grant, right)) {
    throw new Problem("forbidden", `the token does not give the right ${right}`);
  }
  return grant;
}

/** What somebody who opens a WebSocket shows: a token, checked; a ticket, which only the room can check; or nothing. */
export async function credentialOf(request: Request, config: Config, room: string): Promise<Credential> {
  forbidTokenInUrl(request);
  const offered = offeredProtocols(request).find((name) => name.startsWith(TOKEN_PREFIX));
  const token = bearerOf(request) ?? offered?.slice(TOKEN_PREFIX.length);
  const tickets = new URL(request.url).searchParams.getAll("ticket");
  if (token !== undefined) {
    if (tickets.length > 0) throw new Problem("invalid_request", "a token or a ticket, not both");
    return { by: "token", grant: await verify(token, config, room) };
  }
  // A header that is there and says nothing is a mistake, not a visitor without credential.
  if (tickets.length === 0 && !request.headers.has("authorization")) return { by: "none" };
  const [id = ""] = tickets;
  if (tickets.length !== 1 || !TICKET.test(id)) throw new Problem("unauthorized", NO_CREDENTIAL);
  return { by: "ticket", id };
}

/** Is this the operator's key? */
export async function isOperator(bearer: string | undefined, { operatorKey }: Config): Promise<boolean> {
  return bearer !== undefined && operatorKey !== undefined && sameSecret(bearer, operatorKey);
}

/** The value of `Authorization: Bearer`. */
export function bearerOf(request: Request): string | undefined {
  return /^bearer +([\w.~+/=-]+)$/i.exec(request.headers.get("authorization") ?? "")?.[1];
}

/** Signature and time first, then the room. */
async function verify(token: string, { secrets }: Config, room: string): Promise<Grant> {
  try {
    const claims = await verifyToken(token, secrets, Date.now());
    if (!isForRoom(claims, room)) throw new Problem("unauthorized", "the token is for another room");
    return grantOf(claims);
  } catch (error) {
    if (error instanceof TokenError) throw new Problem("unauthorized", error.message, { cause: error });
    throw error;
  }
}

function operatorGrant(): Grant {
  const issuedAt = Math.floor(Date.now() / 1000);
  return { who: { subject: undefined, jti: null, issuedAt, expiresAt: null }, can: ["admin"], tracks: null };
}

function forbidTokenInUrl(request: Request): void {
  if (new URL(request.url).searchParams.has("token")) {
    throw new Problem("invalid_request", "a token never goes into a URL");
  }
}

/** Are two secrets the same? Takes the same time wherever they differ. */
export async function sameSecret(a: string, b: string): Promise<boolean> {
  const [left, right] = await Promise.all([digest(a), digest(b)]);
  return crypto.subtle.timingSafeEqual(left, right);
}

function digest(text: string): Promise<ArrayBuffer> {
  return crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
}
