// What a token's claims may be, and what they allow.
import { describe, expect, test } from "vitest";
import { allows, type Claims, claimsSchema, isForRoom, RIGHTS, type Right } from "../../protocol/claims.ts";

const CLAIMS: Claims = { room: "demo", can: ["subscribe"], jti: "j1", iat: 1000, exp: 2000 };
const accepts = (change: object) => claimsSchema.safeParse({ ...CLAIMS, ...change }).success;
const range = (count: number) => Array.from({ length: count }, (_, index) => `t${index}`);

describe("the claims", () => {
  test.each([
    ["nothing but what is needed", {}],
    ["every room", { room: "*" }],
    ["all rights", { can: [...RIGHTS] }],
    ["sixteen tracks", { tracks: range(16) }],
    ["a long subject and a long id", { sub: "s".repeat(128), jti: "j".repeat(64) }],
    ["a time before which they do not count", { nbf: 1500 }],
    ["time zero", { iat: 0, exp: 0, nbf: 0 }],
  ])("with %s are claims", (_, change) => {
    expect(claimsSchema.parse({ ...CLAIMS, ...change })).toStrictEqual({ ...CLAIMS, ...change });
  });

  test.each(Object.keys(CLAIMS))("without %s are none", (name) => {
    expect(accepts({ [name]: undefined })).toBe(false);
    expect(accepts({ [name]: null })).toBe(false);
  });

  test.each([
    ["a room that is no room id", { room: "a/b" }],
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

describe("what they allow", () => {
  test("one room by its exact id, or every room", () => {
    const rooms = ["demo", "Demo", "demo2", "", "*"];
    expect(rooms.map((room) => isForRoom(CLAIMS, room))).toEqual([true, false, false, false, false]);
    expect(rooms.every((room) => isForRoom({ ...CLAIMS, room: "*" }, room))).toBe(true);
  });

  test("each right is for itself, and admin for all", () => {
    const allowed = (can: Right) => RIGHTS.filter((right) => allows({ ...CLAIMS, can: [can] }, right));
    expect(RIGHTS.map(allowed)).toEqual([["subscribe"], ["publish"], ["message"], [...RIGHTS]]);
    expect(RIGHTS.filter((right) => allows({ ...CLAIMS, can: ["subscribe", "publish"] }, right))).toEqual([
      "subscribe",
      "publish",
    ]);
  });

  test("a list of tracks limits every right, that of an admin too", () => {
    for (const can of RIGHTS) {
      const claims: Claims = { ...CLAIMS, can: [can], tracks: ["cam", "mic"] };
      const tracks = ["cam", "mic", "main", "Cam", undefined];
      expect(tracks.map((track) => allows(claims, can, track))).toEqual([true, true, false, false, true]);
    }
    expect(allows(CLAIMS, "subscribe", "main")).toBe(true);
    expect(allows({ ...CLAIMS, tracks: ["main"] }, "publish", "main")).toBe(false);
  });
});
