// The cuts of a recording, and the properties of segments.
import { expect, test } from "vitest";
import { Flag } from "../../../protocol/frame.ts";
import { packFrames, unpackFrames } from "../../../protocol/recording.ts";
import { type Cut, Cutter } from "../../../worker/core/cutter.ts";

const { init, key, discontinuity, end } = Flag;
const AT = 1_800_000_000_000;

/** Frames of one byte, their flags in a list, 500 ms apart unless `everyMs` says otherwise. */
function cut(cutter: Cutter, flags: readonly number[], { from = 0, bytes = 1, everyMs = 500 } = {}): Cut[] {
  return flags.flatMap((one, index) => {
    const timestamp = AT + (from + index) * everyMs;
    const frame = { sequence: from + index, flags: one, timestamp, receivedAt: timestamp + 7 };
    return cutter.add("e", { ...frame, payload: new Uint8Array(bytes).fill(from + index) });
  });
}

const spans = (cuts: readonly Cut[]) => cuts.map(({ first, next }) => [first, next]);

test("A2 a segment begins at a group after four seconds, with the init right before the group", () => {
  const cutter = new Cutter();
  const flags = [init, key, 0, key, 0, 0, 0, 0, init, init, key, 0];
  const cuts = cut(cutter, flags);
  expect(spans(cuts)).toEqual([[0, 8]]);
  expect(cuts[0]).toMatchObject({
    leadingInitBytes: 1,
    discontinuity: true,
    bytes: 8,
    beganAt: AT,
    endedAt: AT + 4000,
  });
  const [rest] = cutter.flush();
  expect(rest).toMatchObject({ first: 8, next: 12, leadingInitBytes: 2, discontinuity: false, receivedAt: AT + 4007 });
  expect(rest?.init).toEqual(new Uint8Array([9]));
});

test("A2 ... after eight megabytes too, and at any frame if there is no group", () => {
  const large = { bytes: 4 * 1024 * 1024, everyMs: 1 };
  expect(spans(cut(new Cutter(), [key, 0, key, key, 0], large))).toEqual([[0, 2]]);
  expect(spans(cut(new Cutter(), [key, 0, 0, 0, 0, 0], large))).toEqual([[0, 4]]);
  expect(spans(cut(new Cutter(), Array(65).fill(0)))).toEqual([[0, 60]]);
  expect(spans(cut(new Cutter(), Array(32_770).fill(0), { everyMs: 0 }))).toEqual([[0, 32_768]]);
});

test("A2 a break and an end begin another segment; broken input does not make one of each frame", () => {
  const broken = cut(new Cutter(), [key, 0, 0, discontinuity, discontinuity, discontinuity, 0]);
  expect(broken.map((one) => [one.first, one.next, one.discontinuity])).toEqual([
    [0, 3, true],
    [3, 5, true],
  ]);
  expect(spans(cut(new Cutter(), [key, 0, end, key]))).toEqual([[0, 3]]);
});

test("A3 an init that came as a copy applies to later frames, until the epoch is over", () => {
  const cutter = new Cutter();
  cutter.learnInit(new Uint8Array([42]));
  cut(cutter, [key]);
  expect(cutter.flush(true)[0]).toMatchObject({ init: new Uint8Array([42]), leadingInitBytes: 0 });
  cutter.begin();
  cut(cutter, [key]);
  expect(cutter.flush()[0]).toMatchObject({ init: null, discontinuity: true });
});

test("A3 the frames of a segment are packed as numbers; other numbers are refused", () => {
  const frames = [
    { flags: init, bytes: 10, timestamp: AT },
    { flags: key, bytes: 0, timestamp: AT - 5 },
    { flags: 0, bytes: 7, timestamp: AT + 90 },
  ];
  const packed = packFrames(frames, AT);
  expect(packed).toEqual([init, 10, 0, key, 0, -5, 0, 7, 95]);
  expect(unpackFrames(packed, AT, 17)).toEqual(frames);
  expect(unpackFrames(packed, AT, 18)).toBeUndefined();
  expect(unpackFrames([99, 1, 0], AT, 1)).toBeUndefined();
  expect(unpackFrames([0, 1], AT, 1)).toBeUndefined();
  expect(unpackFrames([0, 1, -1], 0, 1)).toBeUndefined();
});
