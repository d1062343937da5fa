// Admission alone: what is stored, due and refused. With the test's clock and store.
import { describe, expect, test } from "vitest";
import { MAX_REVOCATIONS, TEXTS_BURST } from "../../../protocol/limits.ts";
import { Admission } from "../../../worker/core/admission.ts";
import { type Asked, type Grant, permit } from "../../../worker/core/authorize.ts";
import { isRefusal } from "../../../worker/core/refusal.ts";
import { DEFAULT_LIMITS, inForce } from "../../../worker/core/room-settings.ts";
import { TokenBucket } from "../../../worker/core/token-bucket.ts";
import { newHub } from "./support/hub.ts";
import { MapStore } from "./support/map-store.ts";

const NOW = Date.UTC(2026, 0, 1);
const SECONDS = NOW / 1000;

function open(settings = {}) {
  const kv = new MapStore();
  const doors = new Admission(kv, DEFAULT_LIMITS);
  doors.create(NOW, "room", settings);
  doors.save(NOW);
  return { kv, doors };
}

function grant(fields: Partial<Grant["who"]> = {}): Grant {
  const who = { subject: undefined, jti: "j", issuedAt: SECONDS, expiresAt: SECONDS + 3600, ...fields };
  return { who, can: ["subscribe"], tracks: null };
}

describe("admission", () => {
  test("H5 the number of revocations is limited, and existing ones may be renewed", () => {
    const { doors } = open();
    for (let count = 0; count < MAX_REVOCATIONS; count++) doors.revoke(NOW, { by: "jti", jti: `j${count}` });
    expect(doors.revoke(NOW, { by: "jti", jti: "one" })).toMatchObject({ refused: "too_many_revocations" });
    expect(isRefusal(doors.revoke(NOW, { by: "jti", jti: "j0" }))).toBe(false);
  });

  test("H2 without credential the answer is one and the same, whatever the room is", () => {
    const never = new Admission(new MapStore(), DEFAULT_LIMITS);
    const living = open().doors;
    const closed = open().doors;
    closed.close(NOW);
    const answers = [never, living, closed].flatMap((doors) => [
      doors.enter(NOW, { by: "none" }),
      doors.enter(NOW, { by: "ticket", id: "x" }),
    ]);
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
  });

  test("H5 a time of revocation only ever moves on", () => {
    const { doors } = open();
    doors.revoke(NOW, { by: "issued-before", issuedBefore: SECONDS });
    doors.revoke(NOW, { by: "issued-before", issuedBefore: SECONDS - 500 });
    expect(doors.policy.admit(grant({ issuedAt: SECONDS - 1 }).who)).toMatchObject({ refused: "token_revoked" });
    expect(doors.policy.admit(grant({ issuedAt: SECONDS }).who)).toBeUndefined();
  });

  test("H20 H5 tokens minted with a token are revoked with it, in each way", () => {
    const ancestors = [
      { jti: "owner", subject: "ann", issuedAt: SECONDS - 500 },
      { jti: "service", subject: undefined, issuedAt: SECONDS - 100 },
    ];
    const revocations = [
      { by: "jti", jti: "owner" },
      { by: "jti", jti: "service" },
      { by: "subject", subject: "ann", issuedBefore: SECONDS - 400 },
      { by: "issued-before", issuedBefore: SECONDS - 400 },
    ] as const;
    for (const revocation of revocations) {
      const { doors } = open();
      const meets = doors.revoke(NOW, revocation);
      if (isRefusal(meets)) throw new Error(meets.refused);
      expect(doors.policy.admit(grant({ ancestors }).who)).toMatchObject({ refused: "token_revoked" });
      expect([meets(grant({ ancestors }).who), meets(grant().who)]).toEqual([true, false]);
    }
    const { doors } = open();
    doors.revoke(NOW, { by: "subject", subject: "ann", issuedBefore: SECONDS - 600 });
    doors.revoke(NOW, { by: "jti", jti: "another" });
    expect(doors.policy.admit(grant({ ancestors }).who)).toBeUndefined();
  });

  test("H9 limits that were lowered since count for old rooms too", () => {
    const said = { maxSubscribers: 5000, bytesPerSecondIn: null, idleExpirySeconds: 1000 };
    const limits = { ...DEFAULT_LIMITS, maxSubscribers: 10, bytesPerSecondIn: 5000 };
    expect(inForce(said, limits)).toMatchObject({
      maxSubscribers: 10,
      bytesPerSecondIn: 5000,
      idleExpirySeconds: 1000,
    });
  });
});

test("H3 a request without tracks gets those of the credential", () => {
  const asked: Asked = {
    role: "subscribe",
    label: null,
    framed: true,
    tracks: null,
    start: { at: "group" },
    delivery: null,
  };
  const limited = { ...grant(), tracks: ["a", "b"] };
  expect(permit(asked, limited, "latest")).toMatchObject({ subscription: { tracks: ["a", "b"], delivery: "latest" } });
  expect(permit({ ...asked, tracks: ["a", "c"] }, limited, "live")).toMatchObject({ refused: "forbidden" });
});

test("a bucket gives its burst, then its rate; a debt is paid before anything else", () => {
  const bucket = new TokenBucket(10, 20);
  expect(Array.from({ length: 21 }, () => bucket.take(1, NOW)).indexOf(false)).toBe(20);
  expect(bucket.take(1, NOW + 100)).toBe(true);
  bucket.charge(50, NOW + 100);
  const until = bucket.refilledAt(NOW + 100);
  expect(until - NOW).toBeGreaterThanOrEqual(5100);
  expect([bucket.isEmpty(until - 10), bucket.isEmpty(until)]).toEqual([true, false]);
  // A clock that goes back grants nothing.
  const level = new TokenBucket(10, 1);
  level.take(1, NOW);
  expect(level.take(1, NOW - 10_000)).toBe(false);
});

test("M6 a connection that floods texts is closed, and no other one", () => {
  const { hub, registry } = newHub();
  const closes: number[] = [];
  const sink = {
    send: () => undefined,
    close: (code: number) => void closes.push(code),
    bufferedBytes: () => 0,
    lastPong: () => undefined,
    save: () => undefined,
  };
  const publication = { track: "main", resume: null, unacknowledged: 0, takeover: false };
  hub.publish(NOW, "a", grant().who, publication, sink);
  hub.publish(NOW, "b", grant().who, { ...publication, track: "other" }, sink);
  const flood = (count: number, now: number) => {
    for (let index = 0; index < count; index++) hub.text(now, "a", '{"type":"sync","sequence":0}');
  };
  flood(TEXTS_BURST, NOW);
  expect(closes).toEqual([]);
  flood(1, NOW);
  expect(closes).toEqual([4510]);
  expect([registry.find("a"), registry.find("b")?.id]).toEqual([undefined, "b"]);
});
