// A room's reaction to its recorders' reports: events, and one limit for all of its tracks.
import { expect, test } from "vitest";
import { JournaledWorld } from "./support/journaled.ts";

const MINUTE_MS = 60_000;

function recordedWorld(settings: object = {}): JournaledWorld {
  const world = new JournaledWorld();
  world.create({ recording: "all", ...settings });
  world.pass(1000);
  return world;
}

const ofRecordings = (world: JournaledWorld) =>
  world.events.flatMap(({ type, about }) => (type.startsWith("recording.") ? [`${type} ${about}`] : []));

test("E1 a recording that begins, fails and ends is told once each, with what the room is then", () => {
  const world = recordedWorld();
  world.publish();
  world.recorded("main", {});
  world.pass(2000);
  expect(world.events.at(-1)).toMatchObject({
    type: "recording.started",
    about: "main",
    state: { recordings: [{ track: "main", failing: false }] },
  });
  for (let minute = 0; minute < 60; minute++) {
    world.recorded("main", { isFailing: true, bytes: minute });
    world.pass(MINUTE_MS);
  }
  expect(ofRecordings(world)).toEqual(["recording.started main", "recording.segment_failed main"]);
  world.recorded("main", { isFailing: false });
  world.recorded("main", { isRecording: false });
  world.pass(2000);
  expect(ofRecordings(world).at(-1)).toBe("recording.ended main");
  expect(world.events.at(-1)?.state.recordings).toEqual([]);
});

test("E1 neither sleep nor death of the room's object is an event of its recordings; its end is", () => {
  const world = recordedWorld();
  world.publish();
  world.recorded("main", {});
  world.pass(20_000);
  world.wake();
  world.pass(20_000);
  world.die();
  world.pass(2000);
  world.publish();
  world.pass(MINUTE_MS);
  expect(ofRecordings(world)).toEqual(["recording.started main"]);
  world.call(() => world.core.shut(world.now, { subject: undefined, jti: "a", issuedAt: 0, expiresAt: null }));
  world.pass(2000);
  expect(world.types.slice(-2)).toEqual(
    ["recording.ended", "room.closed"].sort((one) => (one === "room.closed" ? 1 : -1)),
  );
});

test("E1 a track that the settings name no more is recorded no more", () => {
  const world = recordedWorld();
  world.publish();
  world.recorded("main", {});
  world.pass(2000);
  const owner = { subject: undefined, jti: "a", issuedAt: 0, expiresAt: null };
  world.call(() => world.core.update(world.now, owner, { recording: "off" }));
  world.pass(2000);
  world.call(() => world.core.update(world.now, owner, { recording: ["main"] }));
  world.pass(20_000);
  const expected = ["recording.started main", "recording.ended main", "recording.started main"];
  expect(ofRecordings(world)).toEqual(expected);
});

test("A5 where all tracks together have too much, the track with the oldest data gives it up", () => {
  const world = recordedWorld({ recordingBytes: 10_000_000 });
  world.publish({ track: "old" });
  world.publish({ track: "new" });
  const keepSeconds = 7 * 24 * 3600;
  expect(world.recorded("old", { bytes: 4_000_000, from: 1000 })).toEqual({ keepSeconds, maxBytes: 10_000_000 });
  expect(world.recorded("new", { bytes: 5_000_000, from: 2000 })).toEqual({ keepSeconds, maxBytes: 10_000_000 });
  expect(world.recorded("old", { bytes: 4_500_000, from: 1000 })).toEqual({ keepSeconds, maxBytes: 5_000_000 });
  expect(world.kept).toEqual([]);
  // The other one grows: the old one has to go down, as far as it can.
  expect(world.recorded("new", { bytes: 7_000_000, from: 2000 })).toEqual({ keepSeconds, maxBytes: 10_000_000 });
  expect(world.kept).toEqual([{ recorder: "room!old", terms: { keepSeconds, maxBytes: 3_000_000 } }]);
  world.recorded("old", { bytes: 2_900_000, from: 3000 });
  expect(world.recorded("new", { bytes: 7_200_000, from: 2000 })).toEqual({ keepSeconds, maxBytes: 7_100_000 });
  // It is still so after sleep.
  world.pass(20_000);
  world.wake();
  expect(world.recorded("new", { bytes: 20_000_000, from: 2000 })).toEqual({ keepSeconds, maxBytes: 7_100_000 });
  expect(world.core.recorders.bytes).toBe(22_900_000);
  expect(world.room.recorderReported(world.now, "room!never", { ...REPORT, bytes: 1 })).toBeNull();
});

const REPORT = { isRecording: true, isFailing: false, from: null, used: { storageWrites: 0, rowsWritten: 0 } };
