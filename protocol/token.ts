// Signing and checking tokens: JWT, HS256, the signature before the claims.
import { errors, jwtVerify, SignJWT } from "jose";
import { type Claims, claimsSchema } from "./claims.ts";
import { CLOCK_TOLERANCE_SECONDS, MAX_TOKEN_CHARS, MAX_TOKEN_TTL_SECONDS } from "./limits.ts";

/** A shorter secret could be guessed: HS256 wants as many bits as its hash has (RFC 7518, 3.2). */
export const MIN_SECRET_CHARS = 32;

/** Reasons why a token is not valid. */
export type TokenFault = "malformed" | "bad_signature" | "expired" | "not_yet_valid" | "too_long_lived" | "bad_claims";

/** A token is not valid. The message never contains the token. */
export class TokenError extends Error {
  override readonly name = "TokenError";
  readonly fault: TokenFault;

  constructor(fault: TokenFault, options?: ErrorOptions) {
    super(`the token is ${fault.replaceAll("_", " ")}`, options);
    this.fault = fault;
  }
}

/** Signs claims. Throws `TypeError` for a secret that is too short. */
export async function mintToken(claims: Claims, secret: string): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg: "HS256", typ: "JWT" }).sign(keyOf(secret));
}

/** The claims of a token that one of `secrets` signed and that is valid at `now` (ms since 1970); throws `TokenError`. */
export async function verifyToken(token: string, secrets: readonly string[], now: number): Promise<Claims> {
  if (token.length > MAX_TOKEN_CHARS) throw new TokenError("malformed");
  let fault = new TokenError("bad_signature");
  for (const secret of secrets) {
    try {
      const { payload } = await jwtVerify(token, keyOf(secret), {
        algorithms: ["HS256"],
        clockTolerance: CLOCK_TOLERANCE_SECONDS,
        currentDate: new Date(now),
      });
      const claims = claimsSchema.safeParse(payload);
      if (!claims.success) throw new TokenError("bad_claims");
      return withinBounds(claims.data, now);
    } catch (error) {
      fault = faultOf(error);
      if (fault.fault !== "bad_signature") break;
    }
  }
  throw fault;
}

/**
 * A token from the future would outlive a revocation of all tokens until now. A token that lives too long would outlive
 * the stored revocation.
 */
function withinBounds(claims: Claims, now: number): Claims {
  if (claims.iat > now / 1000 + CLOCK_TOLERANCE_SECONDS) throw new TokenError("not_yet_valid");
  if (claims.exp - claims.iat > MAX_TOKEN_TTL_SECONDS) throw new TokenError("too_long_lived");
  return claims;
}

function keyOf(secret: string): Uint8Array {
  if (secret.length < MIN_SECRET_CHARS)
    throw new TypeError(`a secret must have at least ${MIN_SECRET_CHARS} characters`);
  return new TextEncoder().encode(secret);
}

function faultOf(cause: unknown): TokenError {
  if (cause instanceof TokenError) return cause;
  if (cause instanceof errors.JWTExpired) return new TokenError("expired", { cause });
  if (cause instanceof errors.JWSSignatureVerificationFailed) return new TokenError("bad_signature", { cause });
  if (cause instanceof errors.JWTClaimValidationFailed) {
    const isEarly = cause.claim === "nbf" && cause.reason === "check_failed";
    return new TokenError(isEarly ? "not_yet_valid" : "bad_claims", { cause });
  }
  if (cause instanceof errors.JOSEError) return new TokenError("malformed", { cause });
  throw cause;
}
