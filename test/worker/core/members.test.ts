// Members whose way is full: nothing piles up for them, and they learn later what they missed.
import { expect, test } from "vitest";
import { MAX_MEMBER_MESSAGE_BYTES, MESSAGE_HELD_BYTES } from "../../../protocol/limits.ts";
import { type Member, Members } from "../../../worker/core/members.ts";

const NOW = Date.UTC(2026, 0, 1);

/** A member of a room in which everything is allowed. */
function member(id: string, framed = true) {
  const sent: Record<string, unknown>[] = [];
  const way = { buffered: 0 };
  const sink: Member["sink"] = {
    send: (text) => void sent.push(JSON.parse(String(text))),
    close: () => undefined,
    bufferedBytes: () => way.buffered,
    lastPong: () => undefined,
    save: () => undefined,
  };
  const who = { subject: `of-${id}`, jti: id, issuedAt: 0, expiresAt: null, mayMessage: true };
  return { id, role: "subscribe" as const, framed, who, sink, sent, way };
}

const rules = () => ({ presence: true, memberMessages: true });
const NOBODY = { connection: null, subject: null };

test("M5 whose way is full gets no message and no answer, however often it speaks", () => {
  const members = new Members(rules);
  const [one, stuck, plain] = [member("one"), member("stuck"), member("plain", false)];
  for (const each of [one, stuck, plain]) members.join(NOW, each);
  stuck.way.buffered = MESSAGE_HELD_BYTES + 1;
  const before = stuck.sent.length;
  expect(members.deliver(NOW, NOBODY, "all", { body: 1 })).toEqual({ connections: 1, skipped: 2 });
  for (let count = 0; count < 100; count++) members.say(NOW, "stuck", { type: "message", body: count });
  members.say(NOW, "stuck", { type: "message", body: "x".repeat(MAX_MEMBER_MESSAGE_BYTES) });
  expect(stuck.sent.length).toBe(before);
  expect(one.sent.filter(({ type }) => type === "message").length).toBe(41);
});

test("M4 whose way was full is told all when it is free again, without anybody coming or going", () => {
  const members = new Members(rules);
  const [one, stuck] = [member("one"), member("stuck")];
  members.join(NOW, one);
  members.join(NOW + 2000, stuck);
  stuck.way.buffered = MESSAGE_HELD_BYTES + 1;
  members.join(NOW + 4000, member("late"));
  members.tick(NOW + 6000);
  const told = stuck.sent.length;
  expect(members.dueAt).toBe(NOW + 7000);
  stuck.way.buffered = 0;
  members.tick(NOW + 8000);
  const joined = [{ connection: "one" }, { connection: "stuck" }, { connection: "late" }];
  expect(stuck.sent.slice(told)).toMatchObject([{ type: "presence", full: true, total: 3, joined }]);
  expect(members.dueAt).toBeUndefined();
  expect(one.sent.at(-1)).toMatchObject({ full: false, joined: [{ connection: "late" }], left: [], total: 3 });
});

test("M4 in a burst of coming and going each change is told once, at most one a second", () => {
  const members = new Members(rules);
  const watcher = member("watcher");
  members.join(NOW, watcher);
  for (let count = 0; count < 50; count++) members.join(NOW + 10 + count, member(`m${count}`));
  for (let count = 0; count < 25; count++) members.left(NOW + 100 + count, `m${count}`);
  expect(members.dueAt).toBe(NOW + 1000);
  members.tick(NOW + 1000);
  const [, , told, ...more] = watcher.sent;
  expect(more).toEqual([]);
  expect(told).toMatchObject({ full: false, left: [], total: 26, joined: Array.from({ length: 25 }, () => ({})) });
});
