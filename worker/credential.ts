// Who asks: the credential of a request, and what its token says.
import { type Claims, isForRoom } from "../protocol/claims.ts";
import { TokenError, verifyToken } from "../protocol/token.ts";
import { Problem } from "./problem.ts";

/** The subprotocol of framed mode, and the prefix of the one that carries a token. */
export const FRAMED = "roomcast.v1";
const TOKEN_PREFIX = "token.";

/** The subprotocols that a WebSocket client offers. */
export function offeredProtocols(request: Request): string[] {
  const header = request.headers.get("sec-websocket-protocol") ?? "";
  return header.split(",").map((name) => name.trim());
}

/** The claims of the request's token for `room`; throws `Problem`. Signature and time first, then the room. */
export async function authorize(request: Request, secrets: readonly string[], room: string): Promise<Claims> {
  const claims = await authenticate(request, secrets);
  if (!isForRoom(claims, room)) throw new Problem("unauthorized", "the token is for another room");
  return claims;
}

async function authenticate(request: Request, secrets: readonly string[]): Promise<Claims> {
  try {
    return await verifyToken(tokenOf(request), secrets, Date.now());
  } catch (error) {
    if (error instanceof TokenError) throw new Problem("unauthorized", error.message, { cause: error });
    throw error;
  }
}

function tokenOf(request: Request): string {
  const url = new URL(request.url);
  if (url.searchParams.has("token")) throw new Problem("invalid_request", "a token never goes into a URL");
  const bearer = bearerOf(request);
  if (bearer !== undefined) return bearer;
  const offered = offeredProtocols(request).find((name) => name.startsWith(TOKEN_PREFIX));
  if (offered !== undefined) return offered.slice(TOKEN_PREFIX.length);
  throw new Problem("unauthorized", "send the token as Authorization: Bearer, or as subprotocol token.<token>");
}

/** The value of `Authorization: Bearer`. */
export function bearerOf(request: Request): string | undefined {
  return /^bearer +([\w.~+/=-]+)$/i.exec(request.headers.get("authorization") ?? "")?.[1];
}

/** Are two secrets the same? Takes the same time wherever they differ. */
export async function sameSecret(a: string, b: string): Promise<boolean> {
  const [left, right] = await Promise.all([digest(a), digest(b)]);
  return crypto.subtle.timingSafeEqual(left, right);
}

function digest(text: string): Promise<ArrayBuffer> {
  return crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
}
