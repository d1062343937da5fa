// Tokens that look like JWTs; their signature is not checked.

/** `claims` as the payload; seconds since 1970. */
export function tokenOf(claims: unknown): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "HS256", typ: "JWT" })}.${part(claims)}.c2lnbmF0dXJl`;
}

/** A token that is issued at `now` and has this lifetime; milliseconds. */
export function tokenFor(lifeMs: number, now: number): string {
  return tokenOf({ room: "r", iat: now / 1000, exp: (now + lifeMs) / 1000 });
}
