// The lifetime in tokens, and the time of their renewal.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { lifeOf, renewAt } from "../../client/token-life.ts";
import { MAX_TOKEN_TTL_SECONDS } from "../../protocol/limits.ts";
import { tokenOf } from "./support/token.ts";

describe("the life of a token", () => {
  test("is that of its claims, in milliseconds", () => {
    expect(lifeOf(tokenOf({ iat: 1000, exp: 4600.5, sub: "Zoë 🎥 ÿ??>>" }))).toEqual({
      issuedAt: 1_000_000,
      expiresAt: 4_600_500,
    });
    expect(lifeOf(tokenOf({ exp: 7 }))).toEqual({ issuedAt: undefined, expiresAt: 7000 });
    expect(lifeOf(tokenOf({ exp: 7, iat: "1" }))).toEqual({ issuedAt: undefined, expiresAt: 7000 });
  });

  test.each([
    ["no exp", tokenOf({ iat: 7 })],
    ["an exp that is a text", tokenOf({ exp: "7" })],
    ["an exp that is not a time", tokenOf({ exp: 1e300 })],
    ["an exp below zero", tokenOf({ exp: -1 })],
    ["claims that are a list", tokenOf([1])],
    ["claims that are null", tokenOf(null)],
    ["no JSON", "a.b.c"],
    ["no base64", "a.é.c"],
    ["no parts", "t0ken"],
    ["two parts", "a.b"],
    ["nothing", ""],
    ["more characters than a token has", tokenOf({ exp: 7, sub: "x".repeat(4000) })],
  ])("is unknown with %s", (_, token) => {
    expect(lifeOf(token)).toBeUndefined();
  });

  test("any text is read without an error", () => {
    fc.assert(fc.property(fc.string(), fc.string(), (one, other) => void lifeOf(`${one}.${other}.c`)));
  });
});

describe("the time to renew", () => {
  const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  const life = fc.integer({ min: 5000, max: MAX_TOKEN_TTL_SECONDS * 1000 });

  test("lies in the last fifth of the life, before the last tenth and the last second", () => {
    fc.assert(
      fc.property(life, chance, fc.boolean(), (lifeMs, random, isTold) => {
        const now = 1_800_000_000_000;
        const expiresAt = now + lifeMs;
        const leadMs = expiresAt - renewAt({ issuedAt: isTold ? now : undefined, expiresAt }, now, random);
        expect(leadMs).toBeGreaterThanOrEqual(Math.max(1000, lifeMs / 10) - 1);
        expect(leadMs).toBeLessThanOrEqual(Math.max(1000 + lifeMs / 10, lifeMs / 5) + 1);
      }),
    );
  });

  test("is two seconds away at least", () => {
    expect(renewAt({ issuedAt: 0, expiresAt: 100_000 }, 95_000, 0.5)).toBe(97_000);
    expect(renewAt({ issuedAt: 0, expiresAt: 100_000 }, 10, 0)).toBe(90_000);
    expect(renewAt({ issuedAt: 9, expiresAt: 5 }, 7, 0)).toBe(2007);
  });
});
