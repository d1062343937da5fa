// The idle lease alone: its renewal, its writes, and a room that was killed.
import { expect, test } from "vitest";
import { Lease } from "../../../worker/core/lease.ts";
import { MapStore } from "./support/map-store.ts";

const NOW = Date.UTC(2026, 0, 1);
const IDLE = 600;

function started(kv = new MapStore()): { kv: MapStore; lease: Lease } {
  const lease = new Lease(kv, IDLE);
  lease.restart(NOW, false, IDLE);
  lease.save(NOW);
  return { kv, lease };
}

/** The object is in memory again, with its stored state. */
function woken(kv: MapStore, now: number, used: boolean): Lease {
  const lease = new Lease(kv, IDLE);
  lease.use(now, used);
  lease.save(now);
  return lease;
}

test("H15 a room that nobody ever used ends after its idle time", () => {
  const { lease } = started();
  expect(lease.dueAt).toBe(NOW + 600_000);
  expect([lease.check(NOW + 599_999, false), lease.check(NOW + 600_000, false)]).toEqual([false, true]);
});

test("H15 a room in use has its alarm and its row beforehand, and writes nothing more while it is used", () => {
  const { kv, lease } = started();
  lease.use(NOW + 1000, true);
  lease.save(NOW + 1000);
  expect(lease.dueAt).toBe(NOW + 151_000);
  const { writes } = kv;
  for (let at = NOW + 151_000; at < NOW + 3_000_000; at += 150_000) {
    expect(lease.check(at, true)).toBe(false);
    lease.save(at);
    expect(lease.dueAt).toBe(at + 150_000);
  }
  expect(kv.writes).toBe(writes);
});

test("H15 a room that was killed in use begins its idle time when it is looked at, once", () => {
  const { kv, lease } = started();
  lease.use(NOW, true);
  lease.save(NOW);
  const late = NOW + 100_000_000;
  const again = woken(kv, late, false);
  expect(again.check(late, false)).toBe(false);
  expect(again.dueAt).toBe(late + 600_000);
  // A refused request wakes it again and changes nothing.
  const third = woken(kv, late + 500_000, false);
  expect(third.dueAt).toBe(late + 600_000);
  expect(third.check(late + 600_000, false)).toBe(true);
});

test("H15 a room that wakes with connections is in use, whatever was stored", () => {
  const { kv } = started();
  const lease = woken(kv, NOW + 10_000_000, true);
  expect(lease.check(NOW + 10_000_000, true)).toBe(false);
  expect(woken(kv, NOW + 20_000_000, false).check(NOW + 20_000_000, false)).toBe(false);
});

test("H15 one who comes and goes all the time costs two rows a check", () => {
  const { kv, lease } = started();
  const { writes } = kv;
  for (let at = NOW; at < NOW + 300_000; at += 100) {
    lease.use(at, (at / 100) % 2 === 0);
    lease.save(at);
  }
  expect(kv.writes - writes).toBeLessThanOrEqual(6);
});

test("H15 the idle time begins anew when the setting changes", () => {
  const { lease } = started();
  lease.restart(NOW + 590_000, false, 60);
  lease.save(NOW + 590_000);
  expect(lease.dueAt).toBe(NOW + 650_000);
  lease.restart(NOW + 600_000, false, null);
  expect(lease.dueAt).toBeUndefined();
  expect(lease.check(NOW + 10_000_000, false)).toBe(false);
});
