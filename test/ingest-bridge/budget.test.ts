// The memory that producers share: waiting and waking.
import { expect, test } from "vitest";
import { Budget } from "../../ingest-bridge/budget.ts";
import { until } from "./support/until.ts";

const never = new AbortController().signal;

test("T15 waiters are woken one after the other, while there is space", async () => {
  const budget = new Budget(1000);
  const full = budget.open();
  full.buffered(1000);
  let woken = 0;
  const waiting = Array.from({ length: 10 }, async () => {
    const account = budget.open();
    await account.room(never);
    woken++;
    account.buffered(100);
    return account;
  });
  full.buffered(750);
  await until(() => woken === 3);
  expect(budget.bytes).toBe(1050);
  full.buffered(0);
  for (const account of await Promise.all(waiting)) account.close();
  expect(budget.bytes).toBe(0);
});

test("T15 a woken waiter that takes nothing does not keep the others waiting", async () => {
  const budget = new Budget(10);
  const full = budget.open();
  full.buffered(10);
  const waiting = Array.from({ length: 50 }, () => budget.open().room(never));
  full.buffered(9);
  await Promise.all(waiting);
});

test("T15 a waiter that gives up waits no longer", async () => {
  const budget = new Budget(10);
  budget.open().buffered(10);
  const stop = new AbortController();
  const waiting = budget.open().room(stop.signal);
  stop.abort();
  await waiting;
});
