// One subscriber in one track, step by step.
import { describe, expect, test } from "vitest";
import type { GapReason } from "../../../protocol/control.ts";
import { Track } from "../../../worker/core/track.ts";
import { TrackCursor } from "../../../worker/core/track-cursor.ts";
import { append } from "./support/frames.ts";

/** Frames 0 to 2, a hole 3 to 5, then frames 6 and 7 of the same group. */
function withHole(reason: GapReason): Track {
  const track = new Track("main", 0, "e0", 10_000);
  track.begin("e0", 0);
  append(track, 0, 3);
  track.skip(3, 5, reason);
  append(track, 6, 2);
  return track;
}

/** The next steps of the cursor, in words, until it waits. */
function words(cursor: TrackCursor): string[] {
  const heard: string[] = [];
  for (;;) {
    const step = cursor.step(false, 0, 10_000);
    if (step.do === "wait") return heard;
    if (step.do === "send") {
      heard.push(`${step.block.first}-${step.block.next - 1}`);
      cursor.sent(step.block);
    } else if (step.do === "tell" && step.message.type === "gap") {
      heard.push(`gap ${step.message.from}-${step.message.to} ${step.message.reason}`);
    }
  }
}

function begun(track: Track, isFramed: boolean): TrackCursor {
  return new TrackCursor(track, { at: "flowing", cursor: 0, strict: false }, "e0", false, isFramed);
}

describe("a hole in the track", () => {
  test("S2 a framed subscriber gets the gap and continues behind it", () => {
    const cursor = begun(withHole("relay"), true);
    expect(words(cursor)).toEqual(["0-2", "gap 3-5 relay", "6-7"]);
  });

  test("W2 a plain subscriber continues at the next group, and gets nothing of a group that lost its beginning", () => {
    const track = withHole("relay");
    const cursor = begun(track, false);
    expect(words(cursor)).toEqual(["0-2", "gap 3-5 relay"]);
    append(track, 8, 1, { key: true });
    append(track, 9, 1);
    expect(words(cursor)).toEqual(["gap 6-7 relay", "8-9"]);
  });

  test("W2 T16 a publisher drops whole groups: a plain subscriber continues behind them", () => {
    expect(words(begun(withHole("ingest"), false))).toEqual(["0-2", "gap 3-5 ingest", "6-7"]);
  });
});
