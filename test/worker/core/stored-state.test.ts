// Rows and attachments: old, current, and unreadable ones.
import { expect, test } from "vitest";
import { Admission } from "../../../worker/core/admission.ts";
import type { Attachment } from "../../../worker/core/attachment.ts";
import { parseAttachment, versioned } from "../../../worker/core/attachment-parser.ts";
import { DEFAULT_LIMITS } from "../../../worker/core/room-settings.ts";
import { MapStore } from "./support/map-store.ts";

const NOW = Date.UTC(2026, 0, 1);
const WHO = { subject: undefined, jti: "j", issuedAt: 1, expiresAt: null };
const SUBSCRIBER: Attachment = {
  role: "subscriber",
  id: "c",
  who: { ...WHO, label: "me", mayMessage: true },
  subscription: { framed: true, tracks: ["a"], start: { at: "rewind", seconds: 3 }, delivery: "live" },
  credit: null,
  cursors: [
    {
      name: "a",
      number: 0,
      epoch: "e",
      told: null,
      state: { at: "seeking", from: null, reason: "lagged", notBefore: 0 },
    },
    { name: "b", number: 1, epoch: "e", told: "e", state: { at: "flowing", cursor: null, strict: false } },
    { name: "c", number: 2, epoch: "e", told: "e", state: { at: "paused", cursor: 7, strict: true } },
    { name: "d", number: 3, epoch: "e", told: "e", state: { at: "resuming", position: { epoch: "e", sequence: 1 } } },
  ],
};
const PUBLISHER: Attachment = {
  role: "publisher",
  id: "p",
  who: WHO,
  track: "a",
  number: 0,
  epoch: "e",
  mayReach: 5,
  format: "a/b",
};

function stored(key: string, value: unknown): MapStore {
  const kv = new MapStore();
  kv.rows.set(key, value);
  return kv;
}

test("an attachment is read as it was kept, with its version or from before there were any", () => {
  for (const one of [SUBSCRIBER, PUBLISHER]) {
    expect(parseAttachment(structuredClone(versioned(one)))).toEqual(one);
    expect(parseAttachment(structuredClone(one))).toEqual(one);
  }
});

test("an attachment in which a field is missing or wrong is none, and nothing throws", () => {
  for (const bad of [null, 7, "x", [], {}, { role: "subscriber" }, { ...PUBLISHER, v: 2 }]) {
    expect(parseAttachment(bad)).toBeUndefined();
  }
  for (const one of [SUBSCRIBER, PUBLISHER]) {
    for (const name of Object.keys(one)) {
      expect(parseAttachment({ ...one, [name]: Symbol.iterator })).toBeUndefined();
    }
  }
});

test("a room that was stored without a version is read, and not closed because of its idle time", () => {
  const row = { id: "r", createdAt: 5, settings: { title: "t", idleExpirySeconds: 60 }, idleSince: 5 };
  const doors = new Admission(stored("room", row), DEFAULT_LIMITS);
  expect([doors.createdAt, doors.settings.title, doors.policy.existence]).toEqual([5, "t", "open"]);
  doors.use(NOW, false);
  expect([doors.tick(NOW, false), doors.tick(NOW + 60_000, false)]).toEqual([false, true]);
});

test("a broken row costs itself: settings one by one, a room its settings, never the object", () => {
  const half = { v: 1, createdAt: 5, settings: { title: 7, public: true, unknown: 1 } };
  expect(new Admission(stored("room", half), DEFAULT_LIMITS).settings).toMatchObject({ title: "", public: true });
  for (const bad of [null, 7, { v: 2, settings: { public: true } }, { createdAt: "x" }]) {
    const doors = new Admission(stored("room", bad), DEFAULT_LIMITS);
    expect([doors.policy.existence, doors.settings.public]).toEqual(["open", false]);
    expect(new Admission(stored("closed", bad), DEFAULT_LIMITS).policy.existence).toBe("closed");
    expect(new Admission(stored("lease", bad), DEFAULT_LIMITS).policy.existence).toBe("never");
  }
});

test("where storage refuses a write, nothing has changed in memory", () => {
  const kv = new MapStore();
  const doors = new Admission(kv, DEFAULT_LIMITS);
  kv.isFull = true;
  expect(() => doors.create(NOW, "room", {})).toThrow("full");
  expect(doors.policy.existence).toBe("never");
  kv.isFull = false;
  doors.create(NOW, "room", {});
  kv.isFull = true;
  expect(() => doors.change(NOW, { title: "x" }, false)).toThrow("full");
  expect(() => doors.close(NOW)).toThrow("full");
  expect([doors.settings.title, doors.policy.existence]).toEqual(["", "open"]);
});
