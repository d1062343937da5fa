// URLs that open a resource for a limited time without a token. The Worker signs them, so that a player needs no
// header.

/** The parameters of a signed URL: its expiry, in seconds since 1970, and the signature of the expiry and the scope. */
const UNTIL = "until";
const SIGNATURE = "signature";

/** No token is signed with such a prefix. */
const PURPOSE = "roomcast signed url\n";

/** Parameters that open `scope` until `until` (seconds since 1970). `secret`: the secret that signs tokens. */
export async function sign(scope: string, until: number, secret: string): Promise<string> {
  const key = await keyOf(secret, "sign");
  const signature = await crypto.subtle.sign("HMAC", key, textOf(scope, String(until)));
  return `${UNTIL}=${until}&${SIGNATURE}=${base64url(new Uint8Array(signature))}`;
}

/** Returns true if the URL has a signature. `checkSigned` validates it. */
export function isSigned(url: URL): boolean {
  return url.searchParams.has(SIGNATURE);
}

/** Validates a URL's signature for `scope`: "expired" and "forged" open nothing. */
export async function checkSigned(
  url: URL,
  scope: string,
  secrets: readonly string[],
  now: number,
): Promise<"open" | "expired" | "forged"> {
  const until = url.searchParams.get(UNTIL) ?? "";
  const signature = bytesFrom(url.searchParams.get(SIGNATURE) ?? "");
  const text = textOf(scope, until);
  const checks = await Promise.all(
    secrets.map(async (secret) => crypto.subtle.verify("HMAC", await keyOf(secret, "verify"), signature, text)),
  );
  if (!checks.includes(true)) return "forged";
  return Number(until) * 1000 > now ? "open" : "expired";
}

/** A path with its parameters, without those of the signature: the scope of exactly one URL. */
export function scopeOf({ pathname, searchParams }: URL): string {
  const rest = new URLSearchParams(searchParams);
  for (const name of [UNTIL, SIGNATURE]) rest.delete(name);
  rest.sort();
  return `${pathname}?${rest}`;
}

/**
 * The expiry for a resource that should stay open for at least `ttlSeconds`, and at most twice as long. So the same URL
 * is valid for a while, and caches and players recognize it. `last`: the latest allowed expiry (seconds since 1970).
 */
export function untilOf(now: number, ttlSeconds: number, last: number | null): number {
  const until = (Math.floor(now / 1000 / ttlSeconds) + 2) * ttlSeconds;
  return Math.min(until, last ?? Number.POSITIVE_INFINITY);
}

function textOf(scope: string, until: string): Uint8Array<ArrayBuffer> {
  return bytesOf(`${PURPOSE}${until}\n${scope}`);
}

function keyOf(secret: string, usage: "sign" | "verify"): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", bytesOf(secret), { name: "HMAC", hash: "SHA-256" }, false, [usage]);
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text) as Uint8Array<ArrayBuffer>;
}

function base64url(bytes: Uint8Array): string {
  const text = btoa(String.fromCharCode(...bytes));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** Text that is not base64 is not a signature. */
function bytesFrom(text: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (char) => char.charCodeAt(0));
  } catch {
    return new Uint8Array(0);
  }
}
