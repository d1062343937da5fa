// What the page knows of a room, and the words on the stage.
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

function connection(state: "connecting" | "open" | "lost"): SubscriberEvent {
  return { type: "connection", state };
}

function frame(track: string, payload: Uint8Array, flags: number = Flag.key, epoch = "a"): SubscriberEvent {
  return { type: "frame", track, epoch, sequence: 7, flags, timestamp: 0, payload };
}

describe("the connection", () => {
  test("is connecting until the room was there once, then reconnecting", () => {
    expect(roomAfter().state).toBe("connecting");
    expect(roomAfter(connection("connecting"), connection("lost"), connection("connecting")).state).toBe("connecting");
    expect(roomAfter(connection("open")).state).toBe("live");
    expect(roomAfter(connection("open"), connection("lost"), connection("connecting")).state).toBe("reconnecting");
    expect(roomAfter(connection("open"), connection("lost"), connection("open")).state).toBe("live");
  });

  test("has ended with the last frame of the epoch, until another epoch begins", () => {
    const end: SubscriberEvent = { type: "end", track: "main", epoch: "a", sequence: 9 };
    const room = roomAfter(connection("open"), frame("main", PACKETS), end);
    expect(room.state).toBe("ended");
    expect(noticeOf(room, "playing")).toContain("ended");
    room.take(frame("main", PACKETS, Flag.key, "b"), 0);
    expect(room.state).toBe("live");
  });

  test("was refused", () => {
    const room = roomAfter(connection("open"));
    room.connection = { is: "refused", code: "kicked", status: undefined };
    expect(room.state).toBe("refused");
    expect(noticeOf(room, "waiting")).toBe("An admin ended the connection");
  });
});

describe("tracks", () => {
  test("main is on the stage, or the first; what was chosen comes first", () => {
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

  test("an init that is no transport stream leaves it to the first frame", () => {
    const room = roomAfter({ type: "init", track: "main", epoch: "a", sequence: 0, payload: Uint8Array.of(1, 2) });
    expect(room.selected?.kind).toBeUndefined();
    room.take(frame("main", Uint8Array.of(0xff, 0xd8, 0xff)), 0);
    expect(room.selected?.kind).toBe("jpeg");
  });
});

test("the stage says what it waits for", () => {
  const room = roomAfter(connection("open"), { type: "source", track: "main", state: "online" });
  expect(noticeOf(room, "waiting")).toBe("Waiting for the first frame");
  room.take(frame("main", PACKETS), 0);
  expect(noticeOf(room, "playing")).toBe("");
  room.take({ type: "source", track: "main", state: "offline" }, 0);
  expect(noticeOf(room, "playing")).toBe("Waiting for the source");
});
