// The lifetime of a token, read from its claims without checking it: only the room can check it.
import { MAX_TOKEN_CHARS } from "../protocol/limits.ts";

/** Milliseconds since 1970, by the signer's clock. `issuedAt` is missing if the token does not contain it. */
export interface TokenLife {
  readonly issuedAt: number | undefined;
  readonly expiresAt: number;
}

/** A renewal needs this time for a new token and a request to the room. */
const LEAST_LEAD_MS = 1000;
/** If a token is about to expire when it is first used, it is not renewed in the same moment. */
const LEAST_PAUSE_MS = 2000;

/** The lifetime of a JWT; undefined for other tokens, and for tokens without `exp`. */
export function lifeOf(token: string): TokenLife | undefined {
  const [, payload, signature] = token.split(".");
  if (token.length > MAX_TOKEN_CHARS || payload === undefined || signature === undefined) return undefined;
  try {
    const claims: unknown = JSON.parse(atob(payload.replaceAll("-", "+").replaceAll("_", "/")));
    const expiresAt = milliseconds(claims, "exp");
    return expiresAt === undefined ? undefined : { issuedAt: milliseconds(claims, "iat"), expiresAt };
  } catch {
    return undefined;
  }
}

/**
 * When to renew: between 80 and 90 per cent of the lifetime, so that tokens that were made together are not renewed
 * together; at least a second before the end, and not within two seconds from `now`.
 */
export function renewAt({ issuedAt, expiresAt }: TokenLife, now: number, random: number): number {
  const tenth = Math.max(0, expiresAt - (issuedAt ?? now)) / 10;
  return Math.max(now + LEAST_PAUSE_MS, expiresAt - Math.max(tenth, LEAST_LEAD_MS) - random * tenth);
}

function milliseconds(claims: unknown, name: "exp" | "iat"): number | undefined {
  if (typeof claims !== "object" || claims === null) return undefined;
  const seconds: unknown = (claims as Record<string, unknown>)[name];
  return typeof seconds === "number" && seconds >= 0 && seconds <= Number.MAX_SAFE_INTEGER / 1000
    ? seconds * 1000
    : undefined;
}
