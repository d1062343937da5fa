// Deletion from a recording: data that is too old or too much; and the names of its objects.
import { expect, test } from "vitest";
import { formatObjectName, parseObjectName, parseRecorderId, recorderId } from "../../../worker/core/recorder-id.ts";
import { kindOf } from "../../../worker/core/recording-kind.ts";
import { randomFrom } from "../../support/chaos-proxy.ts";
import { RecorderWorld, TERMS } from "./support/recorder-world.ts";

/** A recording of ten segments, of 4 s and 10,000 bytes each. */
function recorded(): RecorderWorld {
  const world = new RecorderWorld(randomFrom(1));
  world.link();
  for (let segment = 0; segment < 10; segment++) {
    world.publish(10, 1000, 400, 10, false);
    world.settle(100);
  }
  world.park();
  world.settle(100);
  return world;
}

test("A5 data older than the terms allow is gone within the hour, rows first", () => {
  const world = recorded();
  const { totals } = world.core.rows;
  expect(totals.bytes).toBe(100_000);
  expect(world.bucket.size).toBe(totals.segments + totals.inits);
  const expiresAt = world.core.alarmAt ?? 0;
  expect(expiresAt - world.now).toBeLessThanOrEqual(TERMS.keepSeconds * 1000 + 300_000);
  world.pass(TERMS.keepSeconds * 1000 + 600_000);
  expect(world.core.rows.totals).toMatchObject({ segments: 0, bytes: 0, inits: 0 });
  world.settle(100);
  expect(world.bucket.size).toBe(0);
  expect(world.core.alarmAt).toBeUndefined();
});

test("A5 data beyond the terms is deleted from the beginning, also during the recording", () => {
  const world = recorded();
  world.core.keep(world.now, { ...TERMS, maxBytes: 45_000 });
  world.settle(100);
  const kept = world.core.rows.list(0, 100);
  expect(world.core.rows.bytes).toBe(kept.reduce((sum, { bytes }) => sum + bytes, 0));
  expect(world.core.rows.bytes).toBeLessThanOrEqual(45_000);
  expect(world.core.rows.bytes).toBeGreaterThan(25_000);
  expect(kept.at(-1)?.next).toBe(100);
  world.check();
});

test("A5 an index that is read again counts as before, and gives no id twice", () => {
  const world = recorded();
  const { bytes, nextId } = world.core.rows;
  world.kill();
  expect(world.core.rows).toMatchObject({ bytes, nextId });
  world.core.erase(world.now, false);
  world.finish();
  world.kill();
  expect(world.core.rows).toMatchObject({ bytes: 0, nextId });
});

test("A2 the names of recorders and objects contain what they are, and no other text is such a name", () => {
  expect(parseRecorderId(recorderId({ room: "r-1", track: "a.b" }))).toEqual({ room: "r-1", track: "a.b" });
  for (const id of ["r", "r!", "!a", "r!a!b", "r~eu~0", "../x!a"]) expect(parseRecorderId(id)).toBeUndefined();
  const name = { id: 12, epoch: "e1", frames: { first: 3, next: 9 }, nonce: "abcdefgh" };
  expect(formatObjectName(name)).toBe("00000012-e1-3-9-abcdefgh");
  expect(parseObjectName("00000012-e1-3-9-abcdefgh")).toEqual(name);
  expect(parseObjectName(formatObjectName({ ...name, frames: null }))).toEqual({ ...name, frames: null });
  for (const bad of ["x", "1-e-1-abcdefgh", "1-e-1-2-abc", "../1-e-1-2-abcdefgh"])
    expect(parseObjectName(bad)).toBeUndefined();
});

test("A8 what can be played is known by its format, else by its init", () => {
  const ftyp = Buffer.from("\0\0\0\x18ftypiso5", "latin1");
  expect(kindOf('video/mp4; codecs="avc1"', null)).toBe("fmp4");
  expect(kindOf(null, ftyp)).toBe("fmp4");
  expect(kindOf("video/mp2t", ftyp)).toBe("mpegts");
  expect(kindOf(null, new Uint8Array([0x47]))).toBe("mpegts");
  expect(kindOf("image/jpeg", null)).toBe("other");
});
