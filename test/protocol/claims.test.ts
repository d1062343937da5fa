// The allowed claims of a token, and its room.
import { describe, expect, test } from "vitest";
import { type Claims, claimsSchema, isForRoom, RIGHTS } from "../../protocol/claims.ts";

const CLAIMS: Claims = { room: "demo", can: ["subscribe"], jti: "j1", iat: 1000, exp: 2000 };
const ANCESTOR = { jti: "j0", iat: 900 };
const accepts = (change: object) => claimsSchema.safeParse({ ...CLAIMS, ...change }).success;
const range = (count: number) => Array.from({ length: count }, (_, index) => `t${index}`);

describe("the claims", () => {
  test.each([
    ["only the required claims", {}],
    ["every room", { room: "*" }],
    ["all rights", { can: [...RIGHTS] }],
    ["sixteen tracks", { tracks: range(16) }],
    ["a long subject and a long id", { sub: "s".repeat(128), jti: "j".repeat(64) }],
    ["a time before which they are not valid", { nbf: 1500 }],
    ["tokens that it was minted through", { via: [ANCESTOR, { ...ANCESTOR, sub: "s".repeat(128) }] }],
    ["time zero", { iat: 0, exp: 0, nbf: 0 }],
  ])("with %s are claims", (_, change) => {
    expect(claimsSchema.parse({ ...CLAIMS, ...change })).toStrictEqual({ ...CLAIMS, ...change });
  });

  test.each(Object.keys(CLAIMS))("without %s are none", (name) => {
    expect(accepts({ [name]: undefined })).toBe(false);
    expect(accepts({ [name]: null })).toBe(false);
  });

  test.each([
    ["a room that is not a valid room id", { room: "a/b" }],
    ["an empty room", { room: "" }],
    ["several rooms", { room: ["demo"] }],
    ["a pattern for the room", { room: "demo*" }],
    ["no right", { can: [] }],
    ["a right that is none", { can: ["subscribe", "fly"] }],
    ["a right in capitals", { can: ["Subscribe"] }],
    ["rights as text", { can: "subscribe" }],
    ["more rights than there are", { can: [...RIGHTS, "subscribe"] }],
    ["an empty list of tracks", { tracks: [] }],
    ["seventeen tracks", { tracks: range(17) }],
    ["a track that is none", { tracks: ["main", "a b"] }],
    ["every track by a star", { tracks: ["*"] }],
    ["tracks that are null", { tracks: null }],
    ["an empty subject", { sub: "" }],
    ["a subject that is too long", { sub: "s".repeat(129) }],
    ["nobody that it was minted through", { via: [] }],
    ["too many that it was minted through", { via: range(5).map((jti) => ({ jti, iat: 1 })) }],
    ["an ancestor without id", { via: [{ iat: 1 }] }],
    ["an ancestor without time", { via: [{ jti: "j" }] }],
    ["an empty id", { jti: "" }],
    ["an id that is too long", { jti: "j".repeat(65) }],
    ["a time as text", { exp: "2000" }],
    ["a time with a fraction", { exp: 2000.5 }],
    ["a negative time", { iat: -1 }],
    ["no end", { exp: Number.POSITIVE_INFINITY }],
    ["a time that is too large to be exact", { exp: 2 ** 53 }],
    ["a beginning as text", { nbf: "1" }],
  ])("with %s are none", (_, change) => {
    expect(accepts(change)).toBe(false);
  });

  test("claims that are not ours are left out", () => {
    expect(claimsSchema.parse({ ...CLAIMS, aud: "x", admin: true })).toStrictEqual(CLAIMS);
  });
});

describe("the room that they are for", () => {
  test("is one by its exact id, or every one", () => {
    const rooms = ["demo", "Demo", "demo2", "", "*"];
    expect(rooms.map((room) => isForRoom(CLAIMS, room))).toEqual([true, false, false, false, false]);
    expect(rooms.every((room) => isForRoom({ ...CLAIMS, room: "*" }, room))).toBe(true);
  });
});
