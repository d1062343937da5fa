// The page's state of a room, and the notices on the stage.
import { describe, expect, test } from "vitest";
import type { SubscriberEvent } from "../../client/index.ts";
import { Flag } from "../../protocol/frame.ts";
import { noticeOf } from "../../web/notice.ts";
import { Room } from "../../web/room-page.ts";

const PACKETS = new Uint8Array(376);
PACKETS[0] = 0x47;
PACKETS[188] = 0x47;

function roomAfter(...events: SubscriberEvent[]): Room {
  const room = new Room();
  for (const event of events) room.take(event, 0);
  return room;
}

/** The state while the player shows something. */
function shown(room: Room) {
  return room.stateWith("playing", true);
}

function connection(state: "connecting" | "open" | "lost"): SubscriberEvent {
  return { type: "connection", state };
}

function frame(track: string, payload: Uint8Array, flags: number = Flag.key, epoch = "a"): SubscriberEvent {
  return { type: "frame", track, epoch, sequence: 7, flags, timestamp: 0, payload };
}

describe("the connection", () => {
  test("is connecting until the room was there once, then reconnecting", () => {
    const stateAfter = (...states: Parameters<typeof connection>[0][]) => shown(roomAfter(...states.map(connection)));
    expect(stateAfter()).toBe("connecting");
    expect(stateAfter("connecting", "connecting")).toBe("connecting");
    expect(stateAfter("open")).toBe("live");
    expect(stateAfter("open", "lost", "connecting")).toBe("reconnecting");
    expect(stateAfter("open", "lost", "open")).toBe("live");
  });

  test("says why there is none", () => {
    const waiting = { is: "waiting" } as const;
    expect(noticeOf(roomAfter(connection("connecting")), waiting)).toMatch(/^Connecting/);
    expect(noticeOf(roomAfter(connection("connecting"), connection("connecting")), waiting)).toMatch(
      /cannot be reached/,
    );
    const lost: SubscriberEvent = { type: "connection", state: "lost", reason: "room_full" };
    expect(noticeOf(roomAfter(connection("open"), lost, connection("connecting")), waiting)).toMatch(
      /^The room is full/,
    );
  });

  test("is live only while the stream of a present source is visible", () => {
    const room = roomAfter(connection("open"), { type: "source", track: "main", state: "online" });
    expect(room.stateWith("waiting", false)).toBe("waiting");
    expect(room.stateWith("playing", false)).toBe("waiting");
    expect(room.stateWith("paused", false)).toBe("paused");
    expect(room.stateWith("playing", true)).toBe("live");
    room.take({ type: "source", track: "main", state: "offline" }, 0);
    expect(room.stateWith("playing", true)).toBe("waiting");
  });

  test("has ended with the last frame of the epoch, until another epoch begins", () => {
    const end: SubscriberEvent = { type: "end", track: "main", epoch: "a", sequence: 9 };
    const room = roomAfter(connection("open"), frame("main", PACKETS), end);
    expect(shown(room)).toBe("ended");
    expect(noticeOf(room, { is: "playing" })).toContain("ended");
    room.take(frame("main", PACKETS, Flag.key, "b"), 0);
    expect(shown(room)).toBe("live");
  });

  test("was refused", () => {
    const room = roomAfter(connection("open"));
    room.connection = { is: "refused", code: "kicked", status: undefined };
    expect(shown(room)).toBe("refused");
    expect(noticeOf(room, { is: "waiting" })).toBe("An admin ended the connection");
  });
});

describe("tracks", () => {
  test("main is on the stage, or the first track; a chosen track comes first", () => {
    const room = roomAfter(frame("audio", PACKETS));
    expect(room.selected?.name).toBe("audio");
    room.take(frame("main", PACKETS), 0);
    expect(room.selected?.name).toBe("main");
    room.choose("audio");
    expect(room.selected?.name).toBe("audio");
  });

  test("the first bytes of an epoch tell the kind", () => {
    const room = roomAfter({ type: "init", track: "main", epoch: "a", sequence: 0, payload: PACKETS });
    expect(room.selected).toMatchObject({ kind: "mpegts", init: PACKETS });
    room.take(frame("main", Uint8Array.of(1)), 0);
    expect(room.selected).toMatchObject({ kind: "mpegts", sequence: 7 });
    room.take(frame("main", Uint8Array.of(1), Flag.key, "b"), 0);
    expect(room.selected).toMatchObject({ kind: "bytes", epoch: "b", init: undefined });
  });

  test("an init that is not a transport stream leaves the decision to the first frame", () => {
    const room = roomAfter({ type: "init", track: "main", epoch: "a", sequence: 0, payload: Uint8Array.of(1, 2) });
    expect(room.selected?.kind).toBeUndefined();
    room.take(frame("main", Uint8Array.of(0xff, 0xd8, 0xff)), 0);
    expect(room.selected?.kind).toBe("pictures");
  });
});

test("S9 a format decides the kind, until another epoch begins; one that is not known leaves it to the bytes", () => {
  const format = (name: string | null, epoch = "a"): SubscriberEvent => ({
    type: "format",
    track: "main",
    epoch,
    format: name,
  });
  const room = roomAfter(format("text/plain"), frame("main", PACKETS));
  expect(room.selected).toMatchObject({ kind: "lines", format: "text/plain" });
  room.take(frame("main", PACKETS, Flag.key, "b"), 0);
  expect(room.selected).toMatchObject({ kind: "mpegts", format: undefined });
  for (const other of ["application/x-other", null]) {
    room.take(format(other, "b"), 0);
    expect(room.selected?.kind).toBe("mpegts");
  }
  room.take(format("image/png", "b"), 0);
  expect(room.selected?.kind).toBe("pictures");
});

test("the stage shows what it waits for", () => {
  const room = roomAfter(connection("open"), { type: "source", track: "main", state: "online" });
  expect(noticeOf(room, { is: "waiting" })).toBe("Waiting for the first frame");
  room.take(frame("main", PACKETS), 0);
  expect(noticeOf(room, { is: "playing" })).toBe("");
  room.take({ type: "source", track: "main", state: "offline" }, 0);
  expect(noticeOf(room, { is: "playing" })).toBe("Waiting for the source");
});
