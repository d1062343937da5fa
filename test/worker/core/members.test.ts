// Members that cannot receive now: messages wait for them up to a limit, and they learn later what they missed.
import { expect, test } from "vitest";
import { MAX_MEMBER_MESSAGE_BYTES, MESSAGE_QUEUE_BYTES, WAITING_MESSAGE_BYTES } from "../../../protocol/limits.ts";
import { ByteBudget } from "../../../worker/core/byte-budget.ts";
import { Connection } from "../../../worker/core/connection.ts";
import { Members } from "../../../worker/core/members.ts";
import { Registry } from "../../../worker/core/registry.ts";
import { Subscriber } from "../../../worker/core/subscriber.ts";
import { DEFAULT_TUNING } from "../../../worker/core/tuning.ts";
import { noPost } from "./support/hub.ts";

const NOW = Date.UTC(2026, 0, 1);
const NOBODY = { connection: null, subject: null };

/** A room without streams, in which everything is allowed unless `rules` say otherwise. */
function room(rules = { presence: true, memberMessages: true }) {
  const registry = new Registry(new ByteBudget(DEFAULT_TUNING));
  const members = new Members(registry, () => rules, noPost);
  const join = (now: number, id: string, framed = true) => {
    const sent: Record<string, unknown>[] = [];
    const queue = { bytes: 0 };
    const sink = {
      send: (text: string | Uint8Array) => void sent.push(JSON.parse(String(text))),
      close: () => undefined,
      bufferedBytes: () => queue.bytes,
      lastPong: () => undefined,
      save: () => undefined,
    };
    const who = { subject: `of-${id}`, jti: id, issuedAt: 0, expiresAt: null, mayMessage: true };
    const connection = new Connection(
      { id, role: "subscribe", framed, who },
      sink,
      DEFAULT_TUNING,
      registry.budget,
      now,
    );
    const subscription = { framed, tracks: null, start: { at: "group" }, delivery: "live" } as const;
    registry.addSubscriber(new Subscriber(connection, subscription, DEFAULT_TUNING));
    members.join(now, connection);
    return { connection, sent, queue };
  };
  const leave = (now: number, { connection }: ReturnType<typeof join>) => {
    registry.left(now, connection.id, true);
    members.left(now, connection);
  };
  return { members, join, leave };
}

const messagesOf = ({ sent }: { sent: Record<string, unknown>[] }) => sent.filter(({ type }) => type === "message");

test("M5 a message waits for a member whose queue is full; excess messages skip it; a plain one gets none", () => {
  const { members, join } = room();
  const [one, stuck] = [join(NOW, "one"), join(NOW, "stuck")];
  join(NOW, "plain", false);
  stuck.queue.bytes = MESSAGE_QUEUE_BYTES + 1;
  expect(members.deliver(NOW, NOBODY, "all", { body: 1 })).toEqual({ connections: 2, skipped: 1 });
  const large = "x".repeat(WAITING_MESSAGE_BYTES / 4);
  const counts = Array.from({ length: 6 }, () => members.deliver(NOW, NOBODY, "all", { body: large }));
  expect(counts.map((count) => "skipped" in count && count.skipped)).toEqual([1, 1, 1, 2, 2, 2]);
  expect([messagesOf(one).length, messagesOf(stuck).length]).toEqual([7, 0]);
  stuck.queue.bytes = 0;
  for (let turn = 1; turn < 20; turn++) members.tick(NOW + 200 * turn);
  expect(messagesOf(stuck).map(({ body }) => body)).toEqual([1, large, large, large]);
});

test("M5 a member whose queue is full gets no answer, however often it speaks", () => {
  const { members, join } = room();
  const [one, stuck] = [join(NOW, "one"), join(NOW, "stuck")];
  stuck.queue.bytes = MESSAGE_QUEUE_BYTES + 1;
  const before = stuck.sent.length;
  for (let count = 0; count < 100; count++) members.say(NOW, stuck.connection, { type: "message", body: count });
  members.say(NOW, stuck.connection, { type: "message", body: "x".repeat(MAX_MEMBER_MESSAGE_BYTES) });
  expect(stuck.sent.length).toBe(before);
  expect(messagesOf(one).length).toBe(40);
});

test("M5 a message that waits for the room's budget goes when others have drained, though no frame is sent any more", () => {
  const { members, join } = room();
  const [one, ...others] = Array.from({ length: 10 }, (_, index) => join(NOW, `m${index}`));
  if (one === undefined) throw new Error("nobody");
  for (const { queue, connection } of others) {
    queue.bytes = DEFAULT_TUNING.queueBytes;
    connection.measure();
  }
  expect(members.deliver(NOW, NOBODY, { connection: "m0" }, { body: "x" })).toEqual({ connections: 1, skipped: 0 });
  expect(messagesOf(one)).toEqual([]);
  for (const { queue } of others) queue.bytes = 0;
  members.tick(NOW + 200);
  expect(messagesOf(one).length).toBe(1);
});

test("M5 texts that wait are bounded for the room as a whole, each counted once", () => {
  const { members, join } = room();
  const stuck = Array.from({ length: 100 }, (_, index) => join(NOW, `s${index}`));
  for (const { queue } of stuck) queue.bytes = MESSAGE_QUEUE_BYTES + 1;
  const large = "x".repeat(60_000);
  expect(members.deliver(NOW, NOBODY, "all", { body: large })).toEqual({ connections: 100, skipped: 0 });
  // A different text for each of them: 100 of these are more than may wait.
  let skipped = 0;
  for (const [index, { connection }] of stuck.entries()) {
    const to = { connection: connection.id };
    const delivery = members.deliver(NOW + index * 1000, NOBODY, to, { body: `${index}${large}` });
    if ("skipped" in delivery) skipped += delivery.skipped;
  }
  expect(skipped).toBeGreaterThan(25);
  expect(skipped).toBeLessThan(40);
});

test("M4 a member whose queue was full gets everything when it is free again, without a join or leave", () => {
  const { members, join } = room();
  const one = join(NOW, "one");
  const stuck = join(NOW + 2000, "stuck");
  stuck.queue.bytes = MESSAGE_QUEUE_BYTES + 1;
  join(NOW + 4000, "late");
  members.tick(NOW + 6000);
  const told = stuck.sent.length;
  expect(members.dueAt).toBe(NOW + 7000);
  stuck.queue.bytes = 0;
  members.tick(NOW + 8000);
  const joined = [{ connection: "one" }, { connection: "stuck" }, { connection: "late" }];
  expect(stuck.sent.slice(told)).toMatchObject([{ type: "presence", full: true, total: 3, joined }]);
  expect(members.dueAt).toBeUndefined();
  expect(one.sent.at(-1)).toMatchObject({ full: false, joined: [{ connection: "late" }], left: [], total: 3 });
});

test("M4 in a burst of joins and leaves each change is reported once, at most one a second", () => {
  const { members, join, leave } = room();
  const watcher = join(NOW, "watcher");
  const others = Array.from({ length: 50 }, (_, count) => join(NOW + 10 + count, `m${count}`));
  for (const [count, other] of others.slice(0, 25).entries()) leave(NOW + 100 + count, other);
  expect(members.dueAt).toBe(NOW + 1000);
  members.tick(NOW + 1000);
  const [, , told, ...more] = watcher.sent;
  expect(more).toEqual([]);
  expect(told).toMatchObject({ full: false, left: [], total: 26, joined: Array.from({ length: 25 }, () => ({})) });
});

test("M4 at a relay, presence is that of its parent, whichever of them learns the setting first", () => {
  const rules = { presence: false, memberMessages: false };
  const { members, join } = room(rules);
  const one = join(NOW, "one");
  const everybody = ["one", "two", "three"].map((connection) => ({
    connection,
    role: "subscribe" as const,
    subject: null,
    label: null,
  }));
  const all = { full: true, joined: everybody, left: [], total: 3 };
  for (const order of ["parent", "relay"] as const) {
    one.sent.length = 0;
    rules.presence = true;
    if (order === "relay") members.rulesChanged(NOW);
    members.follow(all);
    if (order === "parent") members.rulesChanged(NOW);
    expect(one.sent.at(-1)).toMatchObject(all);
    rules.presence = false;
    members.rulesChanged(NOW);
  }
});
