// The scope of a grant: rights, tracks, `reliable`, minted tokens, and connections that may continue with it.
import { describe, expect, test } from "vitest";
import { RIGHTS, type Right } from "../../../protocol/claims.ts";
import { MAX_TOKEN_ANCESTORS } from "../../../protocol/limits.ts";
import type { Delivery, Who } from "../../../worker/core/attachment.ts";
import {
  type Asked,
  type Grant,
  grants,
  lineage,
  permit,
  publicGrant,
  renewal,
  type Usage,
} from "../../../worker/core/authorize.ts";
import { isRefusal } from "../../../worker/core/refusal.ts";

const WHO: Who = { subject: undefined, jti: "j", issuedAt: 1000, expiresAt: 2000 };
const grant = (can: readonly Right[], tracks: readonly string[] | null = null, who: Partial<Who> = {}): Grant => ({
  who: { ...WHO, ...who },
  can,
  tracks,
});

describe("a grant", () => {
  test("H1 gives each right for itself, and admin all of them", () => {
    const allowed = (can: Right) => RIGHTS.filter((right) => grants(grant([can]), right));
    expect(RIGHTS.map(allowed)).toEqual([["subscribe"], ["publish"], ["message"], ["reliable"], [...RIGHTS]]);
  });

  test("H1 is limited to its tracks, that of an admin too", () => {
    for (const can of RIGHTS) {
      const tracks = ["cam", "mic", "main", "Cam", undefined];
      expect(tracks.map((track) => grants(grant([can], ["cam", "mic"]), can, track))).toEqual([
        true,
        true,
        false,
        false,
        true,
      ]);
    }
    expect(grants(grant(["subscribe"]), "subscribe", "main")).toBe(true);
    expect(grants(grant(["subscribe"], ["main"]), "publish", "main")).toBe(false);
  });
});

describe("W4 reliable", () => {
  const asked = (delivery: Delivery | null, framed = true): Asked & { role: "subscribe" } => ({
    role: "subscribe",
    label: null,
    framed,
    tracks: null,
    start: { at: "group" },
    delivery,
  });
  const got = (who: Grant, ask: Asked, room: Delivery) => {
    const join = permit(ask, who, room);
    return isRefusal(join) ? join.refused : join.role === "subscribe" && join.subscription.delivery;
  };

  test("W4 asked for by name needs the right, which admin includes and a visitor without token never has", () => {
    expect(got(grant(["subscribe"]), asked("reliable"), "live")).toBe("forbidden");
    expect(got(publicGrant(0), asked("reliable"), "reliable")).toBe("forbidden");
    expect(got(grant(["subscribe", "reliable"]), asked("reliable"), "live")).toBe("reliable");
    expect(got(grant(["admin"]), asked("reliable"), "live")).toBe("reliable");
    expect(got(grant(["reliable"]), asked("reliable"), "live")).toBe("forbidden");
  });

  test("W4 as the room's default: clients without the right, and plain ones, get live", () => {
    const may = grant(["subscribe", "reliable"]);
    expect(got(grant(["subscribe"]), asked(null), "reliable")).toBe("live");
    expect(got(publicGrant(0), asked(null), "reliable")).toBe("live");
    expect(got(may, asked(null), "reliable")).toBe("reliable");
    expect(got(may, asked(null, false), "reliable")).toBe("live");
    expect(got(may, asked("latest"), "reliable")).toBe("latest");
    expect(got(may, asked(null), "latest")).toBe("latest");
  });
});

describe("tokens minted with a token", () => {
  test("H20 names it and all that it was minted through, and ends with it", () => {
    const first = { jti: "owner", subject: "ann", issuedAt: 500 };
    expect(lineage(grant(["admin"], null, { ancestors: [first] }))).toEqual({
      via: [
        { jti: "owner", iat: 500, sub: "ann" },
        { jti: "j", iat: 1000 },
      ],
      until: 2000,
    });
    const operator = grant(["admin"], null, { jti: null, expiresAt: null });
    expect(lineage(operator)).toEqual({ via: undefined, until: Number.POSITIVE_INFINITY });
  });

  test("H20 a chain has an end", () => {
    const chain = (length: number) =>
      lineage(grant(["admin"], null, { ancestors: Array.from({ length }, () => ({ ...WHO, jti: "a" })) }));
    expect(isRefusal(chain(MAX_TOKEN_ANCESTORS - 1))).toBe(false);
    expect(chain(MAX_TOKEN_ANCESTORS)).toMatchObject({ refused: "forbidden" });
  });
});

describe("a connection continues", () => {
  const usage = (fields: Partial<Usage> = {}, who: Partial<Who> = {}): Usage => ({
    role: "subscribe",
    who: { ...WHO, jti: "old", ...who },
    tracks: null,
    reliable: false,
    ...fields,
  });
  const refused = (...args: Parameters<typeof renewal>) => {
    const answer = renewal(...args);
    return isRefusal(answer) && answer.refused;
  };

  test("H19 as the new token says, with its own label", () => {
    const token = grant(["subscribe", "message"], null, { expiresAt: 9000, ancestors: [{ ...WHO, jti: "a" }] });
    expect(renewal(usage({}, { label: "me", mayMessage: false }), token, false)).toEqual({
      ...token.who,
      label: "me",
      mayMessage: true,
    });
  });

  test("H19 with the rights and tracks that it uses, or not at all", () => {
    const cases: [Partial<Usage>, Grant, false | "forbidden"][] = [
      [{}, grant(["publish"]), "forbidden"],
      [{}, grant(["admin"]), false],
      [{}, grant(["subscribe"], ["a"]), "forbidden"],
      [{ tracks: ["a"] }, grant(["subscribe"], ["a", "b"]), false],
      [{ tracks: ["a", "c"] }, grant(["subscribe"], ["a", "b"]), "forbidden"],
      [{ tracks: ["a"] }, grant(["subscribe"]), false],
      [{ reliable: true }, grant(["subscribe"]), "forbidden"],
      [{ reliable: true }, grant(["subscribe", "reliable"]), false],
      [{ role: "publish", tracks: ["a"] }, grant(["subscribe"]), "forbidden"],
      [{ role: "publish", tracks: ["a"] }, grant(["publish"], ["b"]), "forbidden"],
      [{ role: "publish", tracks: ["a"] }, grant(["publish"], ["a"]), false],
    ];
    for (const [fields, token, is] of cases) expect(refused(usage(fields), token, false)).toBe(is);
  });

  test("H19 only with the same subject; without one, if ids are not revealed", () => {
    const of = (subject: string | undefined) => grant(["subscribe"], null, { subject });
    const [ann, nobody] = [usage({}, { subject: "ann" }), usage()];
    for (const idsAreTold of [false, true]) {
      expect(refused(ann, of("ann"), idsAreTold)).toBe(false);
      expect(refused(ann, of("bob"), idsAreTold)).toBe("forbidden");
      expect(refused(ann, of(undefined), idsAreTold)).toBe("forbidden");
      expect(refused(nobody, of("bob"), idsAreTold)).toBe("forbidden");
      expect(refused(nobody, of(undefined), idsAreTold)).toBe(idsAreTold && "forbidden");
    }
  });

  test("H19 neither without a token nor with the operator's key", () => {
    expect(refused(usage({}, { jti: null, expiresAt: null }), grant(["subscribe"]), false)).toBe("forbidden");
    expect(refused(usage(), grant(["admin"], null, { jti: null }), false)).toBe("forbidden");
  });
});
