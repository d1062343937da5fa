// The rights of a link, together with the rooms that the browser stores.
import { describe, expect, test } from "vitest";
import { accessOf } from "../../web/access.ts";
import { expiryText, may, readToken } from "../../web/token-claims.ts";

const tokenOf = (claims: object) => `h.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.s`;
const tokenFor = (...can: string[]) => tokenOf({ can, exp: 1_800_000_000, jti: can.join() });
const [viewer, publisher, admin, both] = [
  tokenFor("subscribe"),
  tokenFor("publish"),
  tokenFor("admin"),
  tokenFor("subscribe", "publish"),
];
const owned = { room: "r", admin, links: [{ name: "Viewers", token: viewer }], ingest: "" };

describe("a link", () => {
  test("for watching lets one watch, and be handed on", () => {
    expect(accessOf(viewer, undefined)).toEqual({
      watch: viewer,
      publish: undefined,
      admin: undefined,
      handOn: viewer,
    });
  });

  test("for sharing does not let one watch; none that may more than watch is handed on", () => {
    expect(accessOf(publisher, undefined)).toMatchObject({ watch: undefined, publish: publisher, handOn: undefined });
    expect(accessOf(both, undefined)).toMatchObject({ watch: both, publish: both, handOn: undefined });
    expect(accessOf(admin, undefined)).toMatchObject({
      watch: admin,
      publish: admin,
      admin,
      handOn: undefined,
    });
  });

  test("of a room that was created here gives its owner everything, with or without a token", () => {
    expect(accessOf(undefined, owned)).toEqual({ watch: admin, publish: admin, admin, handOn: viewer });
    expect(accessOf(viewer, owned)).toMatchObject({ watch: viewer, publish: admin, admin });
    expect(accessOf(undefined, undefined).watch).toBeUndefined();
  });
});

test("a token that cannot be read counts as one for watching", () => {
  for (const token of ["", "a.b.c", "a", "a.e30.c", tokenOf([])]) {
    expect(readToken(token)).toMatchObject({ can: ["subscribe"], exp: undefined });
    expect([may(token, "subscribe"), may(token, "publish"), expiryText(token)]).toEqual([true, false, undefined]);
  }
  expect(expiryText(viewer)).toContain("January 15");
});
