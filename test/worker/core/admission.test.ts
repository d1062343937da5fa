// The doors by themselves: what is stored, what is due, what is refused. With a clock and a store of the test's.
import { describe, expect, test } from "vitest";
import { MAX_REVOCATIONS, MAX_TICKETS, TEXTS_BURST } from "../../../protocol/limits.ts";
import { Admission } from "../../../worker/core/admission.ts";
import { type Asked, type Grant, permit } from "../../../worker/core/authorize.ts";
import { Hub } from "../../../worker/core/hub.ts";
import { isRefusal } from "../../../worker/core/refusal.ts";
import { DEFAULT_LIMITS, inForce } from "../../../worker/core/room-settings.ts";
import { TokenBucket } from "../../../worker/core/token-bucket.ts";
import { DEFAULT_TUNING } from "../../../worker/core/tuning.ts";
import { MapStore } from "./support/map-store.ts";

const NOW = Date.UTC(2026, 0, 1);
const SECONDS = NOW / 1000;

function open(settings = {}) {
  const kv = new MapStore();
  const doors = new Admission(kv, DEFAULT_LIMITS);
  doors.create(NOW, settings);
  doors.save(NOW);
  return { kv, doors };
}

function grant(fields: Partial<Grant["who"]> = {}): Grant {
  const who = { subject: undefined, jti: "j", issuedAt: SECONDS, expiresAt: SECONDS + 3600, ...fields };
  return { who, can: ["subscribe"], tracks: null };
}

describe("doors", () => {
  test("H4 H5 what is full is refused, and what has expired makes place", () => {
    const { doors } = open();
    for (let count = 0; count < MAX_TICKETS; count++) doors.issueTicket(NOW, `t${count}`, grant(), 60_000);
    expect(doors.issueTicket(NOW, "one", grant(), 60_000)).toMatchObject({ refused: "too_many_tickets" });
    expect(doors.issueTicket(NOW + 60_000, "one", grant(), 60_000)).toBe(NOW + 120_000);
    for (let count = 0; count < MAX_REVOCATIONS; count++) doors.revoke(NOW, { by: "jti", jti: `j${count}` });
    expect(doors.revoke(NOW, { by: "jti", jti: "one" })).toMatchObject({ refused: "too_many_revocations" });
    // What is there already may be renewed.
    expect(isRefusal(doors.revoke(NOW, { by: "jti", jti: "j0" }))).toBe(false);
  });

  test("H4 a ticket lives no longer than its token, and is one row that goes when it is spent", () => {
    const { doors, kv } = open();
    const rows = kv.rows.size;
    expect(doors.issueTicket(NOW, "t", grant({ expiresAt: SECONDS + 1 }), 60_000)).toBe(NOW + 6000);
    expect(kv.rows.size).toBe(rows + 1);
    const again = new Admission(kv, DEFAULT_LIMITS);
    expect(again.dueAt).toBe(NOW + 6000);
    expect(again.enter(NOW + 7000, { by: "ticket", id: "t" })).toMatchObject({ refused: "unauthorized" });
    expect(kv.rows.size).toBe(rows);
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

test("H3 what is asked for without tracks is what the credential has", () => {
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
  // A clock that goes back gives nothing.
  const level = new TokenBucket(10, 1);
  level.take(1, NOW);
  expect(level.take(1, NOW - 10_000)).toBe(false);
});

test("M6 a connection that floods texts is closed, and no other one", () => {
  const hub = new Hub("room", DEFAULT_TUNING, () => "e1");
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
  expect([hub.has("a"), hub.has("b")]).toEqual([false, true]);
});
