// Tickets by themselves: spent once, gone in time, shared out among tokens, and no row for any of it.
import { expect, test } from "vitest";
import type { Right } from "../../../protocol/claims.ts";
import { MAX_TICKETS, MAX_TICKETS_PER_TOKEN } from "../../../protocol/limits.ts";
import type { Grant } from "../../../worker/core/authorize.ts";
import { Tickets } from "../../../worker/core/tickets.ts";

const NOW = Date.UTC(2026, 0, 1);
const SECONDS = NOW / 1000;
const TTL = 60_000;

function token(jti: string | null, right: Right = "subscribe", expiresAt: number | null = SECONDS + 3600): Grant {
  return { who: { subject: undefined, jti, issuedAt: SECONDS, expiresAt }, can: [right], tracks: null };
}

test("H4 a ticket is spent by being shown, lives no longer than its token, and keeps the room awake until then", () => {
  const tickets = new Tickets();
  const [long, short] = [token("a"), token("b", "subscribe", SECONDS + 1)];
  expect(tickets.dueAt).toBeUndefined();
  expect(tickets.issue(NOW, "long", long, long, TTL)).toBe(NOW + TTL);
  expect(tickets.issue(NOW, "short", short, short, TTL)).toBe(NOW + 6000);
  expect(tickets.issue(NOW, "third", long, long, TTL)).toBe(NOW + TTL);
  expect(tickets.dueAt).toBe(NOW + 6000);
  expect([tickets.redeem(NOW + 5999, "long"), tickets.redeem(NOW + 5999, "long")]).toEqual([long, undefined]);
  expect(tickets.redeem(NOW + 6000, "short")).toBeUndefined();
  tickets.prune(NOW + 6000);
  expect(tickets.dueAt).toBe(NOW + TTL);
  tickets.prune(NOW + TTL);
  expect(tickets.dueAt).toBeUndefined();
  expect(tickets.redeem(NOW + 1, "third")).toBeUndefined();
});

test("H4 a token has its share, spent and expired tickets make place, and admins always find some", () => {
  const tickets = new Tickets();
  let ids = 0;
  const take = (of: Grant, now = NOW) => {
    const id = `t${ids++}`;
    return tickets.issue(now, id, of, of, TTL) === undefined ? undefined : id;
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
