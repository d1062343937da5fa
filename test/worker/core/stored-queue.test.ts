// A queue in SQLite: what is due when, what a batch becomes, and what survives.
import { beforeEach, expect, test } from "vitest";
import { MAX_QUEUED, type StoredMessage, StoredQueue } from "../../../worker/core/stored-queue.ts";
import { memorySql } from "./support/recorder-world.ts";

const RULES = { batchSize: 3, gatherMs: 100, maxRetries: 2 };

let sql: ReturnType<typeof memorySql>;
let queue: StoredQueue;
beforeEach(() => {
  sql = memorySql();
  queue = new StoredQueue(sql, RULES);
});

const bodies = (messages: readonly StoredMessage[]) => messages.map(({ body }) => body);
const failing = (messages: readonly StoredMessage[], ms: number) => new Map(messages.map((one) => [one, ms]));

test("messages wait for others, and come in batches, in order", () => {
  expect(queue.dueAt).toBeUndefined();
  queue.add(1000, ["a", "b"]);
  queue.add(1050, ["c", "d"]);
  expect(queue.dueAt).toBe(1100);
  const first = queue.take(1100);
  expect(bodies(first)).toEqual(["a", "b", "c"]);
  expect(queue.settle(1100, first, new Map())).toEqual([]);
  const second = queue.take(1100);
  expect(bodies(second)).toEqual(["d"]);
  queue.settle(1100, second, new Map());
  expect([queue.take(9999), queue.dueAt]).toEqual([[], undefined]);
});

test("what fails comes again when it is told to, and is told apart when it failed too often", () => {
  queue.add(0, ["good", "bad"]);
  let batch = queue.take(0);
  expect(queue.settle(10, batch, failing(batch.slice(1), 500))).toEqual([]);
  expect(queue.take(509)).toEqual([]);
  expect(queue.dueAt).toBe(610);
  batch = queue.take(510);
  expect(batch).toMatchObject([{ body: "bad", attempts: 2 }]);
  expect(queue.settle(510, batch, failing(batch, 0))).toEqual([]);
  batch = queue.take(510);
  const dead = queue.settle(510, batch, failing(batch, 50));
  expect(bodies(dead)).toEqual(["bad"]);
  // Nobody could take it: it comes again, and is dead again.
  batch = queue.take(560);
  expect(queue.settle(560, batch, failing(batch, 0))).toMatchObject([{ body: "bad", attempts: 4 }]);
  queue.remove(batch);
  expect(queue.dueAt).toBeUndefined();
});

test("an attempt that nobody finished counts, and the message is there again", () => {
  queue.add(0, ["a"]);
  queue.take(0);
  const again = new StoredQueue(sql, RULES);
  expect(again.dueAt).toBe(100);
  expect(again.take(0)).toMatchObject([{ body: "a", attempts: 2 }]);
});

test("a full queue takes all of them or none, and what is gone makes space", () => {
  queue.add(
    0,
    Array.from({ length: MAX_QUEUED - 1 }, () => ""),
  );
  expect([queue.add(0, ["x", "y"]), queue.add(0, ["x"]), queue.add(0, ["y"])]).toEqual([false, true, false]);
  expect(new StoredQueue(sql, RULES).add(0, ["y"])).toBe(false);
  queue.settle(0, queue.take(0), new Map());
  expect([queue.add(0, ["1", "2", "3"]), queue.add(0, ["4"])]).toEqual([true, false]);
});
