// Tokens: only a valid signature is accepted.
import { createHmac, generateKeyPairSync, sign } from "node:crypto";
import { inspect } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Claims } from "../../protocol/claims.ts";
import { MAX_TOKEN_CHARS, MAX_TOKEN_TTL_SECONDS } from "../../protocol/limits.ts";
import { MIN_SECRET_CHARS, mintToken, TokenError, type TokenFault, verifyToken } from "../../protocol/token.ts";

const SECRET = "secret-of-these-tests-0123456789-abcdef";
const PREVIOUS = "previous-secret-of-these-tests-0123456789";
const NOW = 1_767_225_600_000;
const SECONDS = NOW / 1000;
const CLAIMS: Claims = { room: "demo", can: ["publish"], tracks: ["main"], jti: "j1", iat: SECONDS, exp: SECONDS + 60 };

const base64url = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** A handmade token with any header and payload, and a correct HMAC signature. */
function forge(header: object, payload: unknown, secret = SECRET, hash = "sha256"): string {
  const signed = `${base64url(header)}.${base64url(payload)}`;
  return `${signed}.${createHmac(hash, secret).update(signed).digest("base64url")}`;
}

/** Why `token` is not valid; undefined: it is. The message contains neither the token nor the secrets. */
async function fault(token: string, secrets: readonly string[] = [SECRET], now = NOW): Promise<TokenFault | undefined> {
  try {
    await verifyToken(token, secrets, now);
    return undefined;
  } catch (error) {
    if (!(error instanceof TokenError)) throw error;
    const said = inspect(error, { depth: 10, showHidden: true }) + error.message + error.stack;
    const parts = token.split(".").filter((part) => part.length > 8);
    for (const secret of [...parts, ...secrets]) expect(said).not.toContain(secret);
    return error.fault;
  }
}

const HS256 = { alg: "HS256", typ: "JWT" };

describe("a token that counts", () => {
  test("gives back the claims that were signed", async () => {
    expect(await verifyToken(await mintToken(CLAIMS, SECRET), [SECRET], NOW)).toStrictEqual(CLAIMS);
  });

  test("is a JWT with HS256 as others make it", async () => {
    expect(await mintToken(CLAIMS, SECRET)).toBe(forge(HS256, CLAIMS));
    expect(await verifyToken(forge({ alg: "HS256" }, { ...CLAIMS, aud: "others" }), [SECRET], NOW)).toStrictEqual(
      CLAIMS,
    );
  });

  test("may be signed with any of the secrets: the previous one counts while it is listed", async () => {
    const token = await mintToken(CLAIMS, PREVIOUS);
    expect(await verifyToken(token, [SECRET, PREVIOUS], NOW)).toStrictEqual(CLAIMS);
    expect(await verifyToken(token, [PREVIOUS, SECRET], NOW)).toStrictEqual(CLAIMS);
    expect(await fault(token, [SECRET])).toBe("bad_signature");
  });

  test("counts from its beginning to its end, with five seconds for clocks that differ", async () => {
    const token = await mintToken({ ...CLAIMS, nbf: SECONDS, exp: SECONDS + 60 }, SECRET);
    const at = (seconds: number) => fault(token, [SECRET], NOW + seconds * 1000);
    expect(await Promise.all([-6, -5, 0, 64, 65, 1e6].map(at))).toEqual([
      "not_yet_valid",
      undefined,
      undefined,
      undefined,
      "expired",
      "expired",
    ]);
  });
});

describe("an invalid token", () => {
  test("signed with another secret, or checked with none", async () => {
    expect(await fault(await mintToken(CLAIMS, PREVIOUS))).toBe("bad_signature");
    expect(await fault(await mintToken(CLAIMS, SECRET), [])).toBe("bad_signature");
  });

  test("that is expired is expired whichever secret signed it, and never where none did", async () => {
    const expired = { ...CLAIMS, exp: SECONDS - 60 };
    expect(await fault(await mintToken(expired, SECRET), [SECRET, PREVIOUS])).toBe("expired");
    expect(await fault(await mintToken(expired, PREVIOUS), [SECRET, PREVIOUS])).toBe("expired");
    expect(await fault(await mintToken(expired, "x".repeat(40)), [SECRET, PREVIOUS])).toBe("bad_signature");
  });

  test("that lives longer than revocations are remembered, or that is from the future", async () => {
    const lives = (seconds: number, from = SECONDS) => forge(HS256, { ...CLAIMS, iat: from, exp: from + seconds });
    expect(await fault(lives(MAX_TOKEN_TTL_SECONDS))).toBeUndefined();
    expect(await fault(lives(MAX_TOKEN_TTL_SECONDS + 1))).toBe("too_long_lived");
    expect(await fault(lives(60, SECONDS + 5))).toBeUndefined();
    expect(await fault(lives(60, SECONDS + 6))).toBe("not_yet_valid");
  });

  test.each([
    ["none, without a signature", `${base64url({ alg: "none" })}.${base64url(CLAIMS)}.`],
    ["none, with a signature", forge({ alg: "none" }, CLAIMS)],
    ["None", forge({ alg: "None" }, CLAIMS)],
    ["hs256", forge({ alg: "hs256" }, CLAIMS)],
    ["HS384", forge({ alg: "HS384" }, CLAIMS, SECRET, "sha384")],
    ["HS512", forge({ alg: "HS512" }, CLAIMS, SECRET, "sha512")],
    ["HS512 over a signature of HS256", forge({ alg: "HS512" }, CLAIMS)],
    ["RS256 over a signature of HS256", forge({ alg: "RS256" }, CLAIMS)],
    ["nothing", forge({ typ: "JWT" }, CLAIMS)],
    ["a list", forge({ alg: ["HS256"] }, CLAIMS)],
    ["HS256 and an extension that is critical", forge({ alg: "HS256", crit: ["later"], later: 1 }, CLAIMS)],
    ["HS256 over a payload that is not encoded", forge({ alg: "HS256", crit: ["b64"], b64: false }, CLAIMS)],
  ])("whose header says %s", async (_, token) => {
    expect(await fault(token)).toBe("malformed");
  });

  test("really signed with RS256", async () => {
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const signed = `${base64url({ alg: "RS256" })}.${base64url(CLAIMS)}`;
    expect(await fault(`${signed}.${sign("sha256", Buffer.from(signed), privateKey).toString("base64url")}`)).toBe(
      "malformed",
    );
  });

  test.each<[string, object]>([
    ...["room", "can", "jti", "iat", "exp"].map((name): [string, object] => [`without ${name}`, { [name]: undefined }]),
    ["for a room that is none", { room: "a/b" }],
    ["with no right", { can: [] }],
    ["with a right that is none", { can: ["root"] }],
    ["whose end is text", { exp: "tomorrow" }],
    ["whose beginning is text", { nbf: "now" }],
    ["whose time is text", { iat: "now" }],
    ["whose end has a fraction", { exp: SECONDS + 60.5 }],
  ])("%s", async (_, change) => {
    expect(await fault(forge(HS256, { ...CLAIMS, ...change }))).toBe("bad_claims");
  });

  test.each([null, 1, "text", [], [CLAIMS]])("whose payload is no object: %j", async (payload) => {
    expect(await fault(forge(HS256, payload))).toBe("malformed");
  });

  test("with a payload that was changed, by any character", async () => {
    const token = await mintToken(CLAIMS, SECRET);
    const [header = "", payload = "", signature = ""] = token.split(".");
    const forged = base64url({ ...CLAIMS, room: "*", can: ["admin"] });
    expect(await fault(`${header}.${forged}.${signature}`)).toBe("bad_signature");
    for (let at = 0; at < payload.length; at++) {
      const other = payload[at] === "A" ? "B" : "A";
      const changed = `${header}.${payload.slice(0, at)}${other}${payload.slice(at + 1)}.${signature}`;
      expect(["bad_signature", "malformed"]).toContain(await fault(changed));
    }
  });

  test("with a signature that was changed, cut off or of another token", async () => {
    const token = await mintToken(CLAIMS, SECRET);
    const end = token.lastIndexOf(".") + 1;
    const other = await mintToken({ ...CLAIMS, jti: "j2" }, SECRET);
    for (let at = end; at < token.length - 1; at++) {
      expect(await fault(token.slice(0, at) + (token[at] === "A" ? "B" : "A") + token.slice(at + 1))).toBe(
        "bad_signature",
      );
    }
    expect(await fault(token.slice(0, end) + other.slice(other.lastIndexOf(".") + 1))).toBe("bad_signature");
    expect(await fault(token.slice(0, end))).toBe("bad_signature");
    expect(["bad_signature", "malformed"]).toContain(await fault(token.slice(0, -4)));
  });

  test("that is not a token at all", async () => {
    for (const text of ["", ".", "..", "a.b", "a.b.c", "a.b.c.d", `${await mintToken(CLAIMS, SECRET)}.x`]) {
      expect(await fault(text)).toBe("malformed");
    }
    const text = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(..."eyJ0.-_=") }));
    await fc.assert(
      fc.asyncProperty(text, async (one) => {
        expect(["malformed", "bad_signature"]).toContain(await fault(one));
      }),
    );
  });

  test("that is too long, which is reported before anything is verified", async () => {
    const long = async (chars: number) => {
      const padding = (bytes: number) => forge(HS256, { ...CLAIMS, padding: "x".repeat(bytes) });
      for (let bytes = 0; ; bytes++) if (padding(bytes).length >= chars) return padding(bytes);
    };
    const longest = await long(MAX_TOKEN_CHARS - 1);
    expect(longest.length).toBeLessThanOrEqual(MAX_TOKEN_CHARS);
    expect(await fault(longest)).toBeUndefined();
    expect(await fault(await long(MAX_TOKEN_CHARS + 1))).toBe("malformed");
    // Verifying would have to look at the secret, and this one is refused with a TypeError.
    expect(await fault("x".repeat(MAX_TOKEN_CHARS + 1), ["short"])).toBe("malformed");
  });
});

describe("a secret that is too short", () => {
  const short = "s".repeat(MIN_SECRET_CHARS - 1);

  test("signs nothing and verifies nothing, and is not told", async () => {
    const token = forge(HS256, CLAIMS, short);
    for (const run of [
      () => mintToken(CLAIMS, short),
      () => verifyToken(token, [short], NOW),
      () => verifyToken(token, [""], NOW),
    ]) {
      const error = await run().then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(error).toBeInstanceOf(TypeError);
      expect(inspect(error)).not.toContain(short);
    }
  });

  test("one character more is enough", async () => {
    const secret = `${short}s`;
    expect(await verifyToken(await mintToken(CLAIMS, secret), [secret], NOW)).toStrictEqual(CLAIMS);
  });
});
