// Tickets alone: used once, expired in time, shared among tokens, and a row only if the room may sleep.
import { expect, test } from "vitest";
import type { Right } from "../../../protocol/claims.ts";
import { MAX_TICKETS, MAX_TICKETS_PER_TOKEN } from "../../../protocol/limits.ts";
import type { Grant } from "../../../worker/core/authorize.ts";
import type { KeyValueStore } from "../../../worker/core/key-value-store.ts";
import { Tickets } from "../../../worker/core/tickets.ts";

const NOW = Date.UTC(2026, 0, 1);
const SECONDS = NOW / 1000;
const TTL = 60_000;

function token(jti: string | null, right: Right = "subscribe", expiresAt: number | null = SECONDS + 3600): Grant {
  return { who: { subject: undefined, jti, issuedAt: SECONDS, expiresAt }, can: [right], tracks: null };
}

/** A store that counts its writes. */
function store() {
  const rows = new Map<string, unknown>();
  const written = { writes: 0 };
  const kv: KeyValueStore = {
    get: <T>(key: string) => rows.get(key) as T | undefined,
    put: (key, value) => {
      written.writes++;
      rows.set(key, structuredClone(value));
    },
    delete: (key) => {
      written.writes++;
      rows.delete(key);
    },
    list: <T>() => [...rows] as [string, T][],
  };
  return { kv, rows, written };
}

test("H4 a ticket is spent by being shown, and lives no longer than its token", () => {
  const tickets = new Tickets(store().kv);
  const [long, short] = [token("a"), token("b", "subscribe", SECONDS + 1)];
  expect(tickets.issue(NOW, "long", long, long, TTL, true)).toBe(NOW + TTL);
  expect(tickets.issue(NOW, "short", short, short, TTL, true)).toBe(NOW + 6000);
  expect([tickets.redeem(NOW + 5999, "long"), tickets.redeem(NOW + 5999, "long")]).toEqual([long, undefined]);
  expect([tickets.redeem(NOW + 6000, "short"), tickets.redeem(NOW, "short")]).toEqual([undefined, undefined]);
  expect(tickets.redeem(NOW, "invented")).toBeUndefined();
});

test("H4 in a busy room no row is written, and what forgets a ticket's use has forgotten the ticket", () => {
  const { kv, written } = store();
  const tickets = new Tickets(kv);
  const who = token("a");
  for (const id of ["used", "unused", "late"]) tickets.issue(NOW, id, who, who, TTL, true);
  expect(tickets.redeem(NOW, "used")).toEqual(who);
  tickets.prune(NOW + TTL);
  const again = new Tickets(kv);
  expect(["used", "unused", "late"].map((id) => again.redeem(NOW, id))).toEqual([undefined, undefined, undefined]);
  expect(written.writes).toBe(0);
});

test("H4 in a quiet room a ticket is a row, which goes before anybody is let in", () => {
  const { kv, rows } = store();
  const who = token("a");
  const first = new Tickets(kv);
  for (const id of ["used", "unused", "late"]) first.issue(NOW, id, who, who, TTL, false);
  expect(rows.size).toBe(3);
  expect(first.redeem(NOW, "used")).toEqual(who);
  expect(rows.size).toBe(2);
  const second = new Tickets(kv);
  expect([second.redeem(NOW, "used"), second.redeem(NOW, "unused")]).toEqual([undefined, who]);
  expect(new Tickets(kv).redeem(NOW, "unused")).toBeUndefined();
  second.prune(NOW + TTL);
  expect(rows.size).toBe(0);
});

test("H4 a token has its share, spent and expired tickets make place, and admins always find some", () => {
  const tickets = new Tickets(store().kv);
  let ids = 0;
  const take = (of: Grant, now = NOW) => {
    const id = `t${ids++}`;
    return tickets.issue(now, id, of, of, TTL, true) === undefined ? undefined : id;
  };
  const many = (of: Grant, count: number) => Array.from({ length: count }, () => take(of));
  const greedy = many(token("greedy"), MAX_TICKETS);
  expect(greedy.filter((id) => id !== undefined)).toHaveLength(MAX_TICKETS_PER_TOKEN);
  tickets.redeem(NOW, greedy[0] ?? "");
  expect(many(token("greedy"), 2).map((id) => id !== undefined)).toEqual([true, false]);
  for (let other = 0; other < 20; other++) many(token(`other${other}`), MAX_TICKETS_PER_TOKEN);
  expect(take(token("one more"))).toBeUndefined();
  const admin = many(token("admin", "admin"), MAX_TICKETS);
  expect(admin.filter((id) => id !== undefined)).toHaveLength(MAX_TICKETS_PER_TOKEN);
  expect(take(token(null, "admin", null))).toBeUndefined();
  expect(take(token("greedy"), NOW + TTL)).toBeDefined();
});
