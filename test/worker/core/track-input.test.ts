// The input of a track: following frames are taken, known ones ignored, and frames that break the numbering refused.
import { describe, expect, test } from "vitest";
import { encodeMessage, Flag, FrameType, readMessage } from "../../../protocol/frame.ts";
import { MAX_GAP_FRAMES, MAX_SAFE, MAX_SEQUENCE } from "../../../protocol/limits.ts";
import { Track } from "../../../worker/core/track.ts";
import { TrackInput } from "../../../worker/core/track-input.ts";
import { MAX_TRACK_HOLES } from "../../../worker/core/tuning.ts";
import { append, message } from "./support/frames.ts";

const NEVER = () => {
  throw new Error("the track knows where it stands");
};

function begun(sequence = 0): { track: Track; input: TrackInput } {
  const track = new Track("main", 0, "e0", 10_000);
  track.begin("e0", sequence);
  return { track, input: new TrackInput(track) };
}

/** Reads a message, and gives the track its new frames. */
function receive({ track, input }: { track: Track; input: TrackInput }, bytes: Uint8Array, now = 0): string {
  const incoming = input.read(bytes, NEVER);
  if (incoming.is === "frames") track.append(incoming.bytes, incoming.frames, now);
  return incoming.is;
}

describe("frames", () => {
  test("P3 frames that the track has are ignored, to the frame, and counted", () => {
    const it = begun();
    expect(receive(it, message(0, 5))).toBe("frames");
    expect(receive(it, message(1, 3))).toBe("duplicate");
    expect(receive(it, message(3, 4))).toBe("frames");
    expect(it.track.next).toBe(7);
    expect(readMessage(it.track.history.read(0)?.bytes ?? new Uint8Array()).map(({ sequence }) => sequence)).toEqual([
      0, 1, 2, 3, 4, 5, 6,
    ]);
    expect(it.input).toMatchObject({ framesReceived: 7, duplicates: 5 });
  });

  test("P3 F5 a frame that leaves one out is refused, between messages and within one", () => {
    const it = begun();
    expect(() => receive(it, message(1, 1))).toThrow(expect.objectContaining({ code: "out_of_sequence" }));
    const torn = new Uint8Array([...message(0, 1), ...message(2, 1)]);
    expect(() => receive(it, torn)).toThrow(expect.objectContaining({ code: "out_of_sequence" }));
    expect(it.track.next).toBe(0);
  });

  test("P6 a frame of type 2 is the init, alone in its message", () => {
    const it = begun();
    const header = { type: FrameType.init, flags: 0, track: 0, sequence: 9, timestamp: 0 };
    const init = encodeMessage([{ ...header, payload: Uint8Array.of(1, 2) }]);
    expect(it.input.read(init, NEVER)).toEqual({ is: "init", payload: Uint8Array.of(1, 2), sequence: 9 });
    const both = new Uint8Array([...init, ...message(0, 1)]);
    expect(() => it.input.read(both, NEVER)).toThrow(expect.objectContaining({ code: "frame_bad_type" }));
  });

  test("P2 after sleep the first frame says where the track stands", () => {
    const track = new Track("main", 0, "e0", 10_000);
    const input = new TrackInput(track);
    const incoming = input.read(message(7, 2), (sequence) => track.wake(sequence));
    expect([track.next, incoming.is]).toEqual([7, "frames"]);
  });

  test("F3 P2 at the end of the numbering no invalid number is sent", () => {
    const track = new Track("main", 0, "e0", 10_000);
    track.adopt(MAX_SEQUENCE, 5);
    const input = new TrackInput(track);
    expect(receive({ track, input }, message(MAX_SEQUENCE, 1))).toBe("frames");
    expect(track.next).toBe(MAX_SAFE);
    expect(track.history.read(MAX_SEQUENCE)?.next).toBe(MAX_SAFE);
    expect(() => input.skip(MAX_SAFE, MAX_SAFE, "ingest")).toThrow(
      expect.objectContaining({ code: "control_invalid" }),
    );
  });
});

describe("gaps", () => {
  test("P7 a gap begins at the next frame, is bounded, and a frame can follow it", () => {
    const { track, input } = begun(10);
    for (const [from, to] of [
      [9, 12],
      [11, 12],
      [10, 9],
    ] as const) {
      expect(() => input.skip(from, to, "ingest")).toThrow(expect.objectContaining({ code: "out_of_sequence" }));
    }
    for (const to of [10 + MAX_GAP_FRAMES, MAX_SEQUENCE, MAX_SAFE - 1, MAX_SAFE]) {
      expect(() => input.skip(10, to, "ingest")).toThrow(expect.objectContaining({ code: "control_invalid" }));
    }
    expect(track.next).toBe(10);
    input.skip(10, 9 + MAX_GAP_FRAMES, "ingest");
    expect(track.next).toBe(10 + MAX_GAP_FRAMES);
  });

  test("P7 gaps that adjoin are one, each with its reason", () => {
    const { track, input } = begun();
    append(track, 0, 3);
    input.skip(3, 5, "ingest");
    input.skip(6, 6, "ingest");
    input.skip(7, 9, "lagged");
    append(track, 10, 1);
    input.skip(11, 11, "ingest");
    expect(track.holeAt(2)).toBeUndefined();
    expect([3, 4, 6].map((sequence) => track.holeAt(sequence))).toEqual(
      Array(3).fill({ from: 3, to: 6, reason: "ingest" }),
    );
    expect(track.holeAt(9)).toEqual({ from: 7, to: 9, reason: "lagged" });
    expect([10, 11, 12].map((sequence) => track.holeAt(sequence)?.from)).toEqual([undefined, 11, undefined]);
  });

  test("P7 many gaps: the oldest are forgotten with all that lies before them", () => {
    const { track, input } = begun();
    const gaps = MAX_TRACK_HOLES + 50;
    for (let gap = 0; gap < gaps; gap++) {
      append(track, gap * 3, 2, { key: true });
      input.skip(gap * 3 + 2, gap * 3 + 2, "ingest");
    }
    append(track, gaps * 3, 1);
    const first = track.history.first ?? Number.NaN;
    expect(first).toBe(50 * 3);
    let told = 0;
    for (let at = first; at < gaps * 3; ) {
      const hole = track.holeAt(at);
      if (hole !== undefined) told++;
      at = (hole?.to ?? Number.NaN) + 1 || (track.history.read(at)?.next ?? Number.NaN);
      expect(at).toBeGreaterThan(first);
    }
    expect(told).toBe(MAX_TRACK_HOLES);
  });

  test("P7 holes leave with the history around them", () => {
    const { track, input } = begun();
    for (let gap = 0; gap < 20; gap++) {
      append(track, gap * 3, 2, { at: gap * 2000, key: true });
      input.skip(gap * 3 + 2, gap * 3 + 2, "ingest");
    }
    track.history.dropBefore(30_000, Number.POSITIVE_INFINITY);
    append(track, 60, 1, { at: 40_000 });
    input.skip(61, 61, "ingest");
    expect(track.history.first).toBe(45);
    expect(track.holeAt(2)).toBeUndefined();
    expect(track.holeAt(47)).toEqual({ from: 47, to: 47, reason: "ingest" });
  });
});

describe("the track", () => {
  test("its memory is counted with its inits and joined payloads", () => {
    const { track } = begun();
    append(track, 0, 1, { flags: Flag.init, bytes: 50_000 });
    const before = track.bytes;
    expect(before).toBeGreaterThan(track.history.bytes + 50_000);
    append(track, 1, 4, { key: true });
    const block = track.history.read(1);
    if (block !== undefined) track.history.payload(block);
    expect(track.bytes - track.history.bytes).toBe(before - 50_000 - 24 - 512 + 4 * 76);
  });

  test("it says whether all that it has is older than a time", () => {
    const { track } = begun();
    expect(track.isOlderThan(0)).toBe(true);
    append(track, 0, 1, { at: 1000 });
    expect(track.isOlderThan(1000)).toBe(false);
    expect(track.isOlderThan(1001)).toBe(true);
  });
});
