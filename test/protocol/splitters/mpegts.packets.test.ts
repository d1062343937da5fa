// The mpegts splitter on handmade packets: muxers other than ffmpeg, and damage.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Flag } from "../../../protocol/frame.ts";
import { MPEGTS_MAX_HELD_BYTES, mpegtsSplitter } from "../../../protocol/splitters/mpegts.ts";
import { expectSameBytes, marks, split } from "./support/splitting.ts";
import { packet, pat, pes, pmt, sectionPackets } from "./support/transport.ts";

const PMT_PID = 0x1000;
const VIDEO_PID = 0x100;
const AUDIO_PID = 0x101;
const H264 = 0x1b;
const HEVC = 0x24;
const AAC = 0x0f;

const AUD = [0, 0, 0, 1, 0x09, 0xf0];
const SLICE = [0, 0, 0, 1, 0x41, 0x9a, 0x12];
const IDR = [0, 0, 1, 0x65, 0x88, 0x84];
const SPS = [0, 0, 0, 1, 0x67, 0x42, 0xc0];

const PAT = sectionPackets(0, pat([[1, PMT_PID]]));
const PMT = sectionPackets(PMT_PID, pmt(1, [[H264, VIDEO_PID]]));
const media = packet(VIDEO_PID, Array(184).fill(0x55));
const key = packet(VIDEO_PID, pes([...AUD, ...IDR]), { starts: true });
const delta = packet(VIDEO_PID, pes([...AUD, ...SLICE]), { starts: true });

/** The marks of a stream of these packets, positions in packets; checked to be the same for all ways to cut it. */
function marksOf(...packets: Uint8Array[]): [number, number][] {
  const bytes = new Uint8Array(Buffer.concat(packets));
  return sameMarks(bytes, [[bytes.length], [1], [189]]);
}

function sameMarks(bytes: Uint8Array, cuts: number[][]): [number, number][] {
  const [whole = [], ...others] = cuts.map((sizes) => {
    const frames = split(mpegtsSplitter(), bytes, sizes, MPEGTS_MAX_HELD_BYTES);
    expectSameBytes(frames, bytes);
    return marks(frames);
  });
  for (const other of others) expect(other).toEqual(whole);
  return whole.map(({ at, flags }) => [at / 188, flags]);
}

describe("initialisation data", () => {
  test("a PMT over several packets is one init with its PAT", () => {
    const long = sectionPackets(PMT_PID, pmt(1, [[H264, VIDEO_PID]], 0, 700));
    expect(long).toHaveLength(4);
    const bytes = new Uint8Array(Buffer.concat([media, ...PAT, ...long, key]));
    const frames = split(mpegtsSplitter(), bytes, [bytes.length]);
    expect(frames.map(({ payload, flags }) => [payload.length / 188, flags])).toEqual([
      [1, 0],
      [5, Flag.init],
      [1, Flag.key],
    ]);
  });

  test("packets between PAT and PMT belong to it, up to 16 packets in all", () => {
    const between = (count: number) => Array<Uint8Array>(count).fill(media);
    expect(marksOf(...PAT, ...between(14), ...PMT, key)).toEqual([
      [0, Flag.init],
      [16, Flag.key],
    ]);
    expect(marksOf(...PAT, ...between(15), ...PMT, key)).toEqual([[17, Flag.key]]);
  });

  test("it begins with the last PAT before the PMT", () => {
    expect(marksOf(...PAT, media, ...PAT, ...PMT)).toEqual([[2, Flag.init]]);
  });

  test("a group between PAT and PMT is a group, and there is no init", () => {
    const marked = marksOf(...PAT, ...PMT, key, ...PAT, key, ...PMT, delta, media);
    expect(marked).toEqual([
      [0, Flag.init],
      [2, Flag.key],
      [4, Flag.key],
    ]);
  });

  test("all programmes of the PAT have to be there", () => {
    const two = sectionPackets(
      0,
      pat([
        [1, PMT_PID],
        [2, PMT_PID + 1],
      ]),
    );
    const second = sectionPackets(PMT_PID + 1, pmt(2, [[AAC, AUDIO_PID]]));
    expect(marksOf(...two, ...PMT, media, media)).toEqual([]);
    expect(marksOf(...two, ...second, ...PMT, key)).toEqual([
      [0, Flag.init],
      [3, Flag.key],
    ]);
  });

  test("a repetition is not a change, another PMT or PAT is a discontinuity", () => {
    const changed = sectionPackets(
      PMT_PID,
      pmt(
        1,
        [
          [H264, VIDEO_PID],
          [AAC, AUDIO_PID],
        ],
        1,
      ),
    );
    const newPat = sectionPackets(0, pat([[1, PMT_PID]], 1));
    const marked = marksOf(
      ...PAT,
      ...PMT,
      ...PAT,
      ...PMT,
      ...PAT,
      ...changed,
      ...PAT,
      ...changed,
      ...newPat,
      ...changed,
    );
    expect(marked.map(([, flags]) => flags)).toEqual([
      Flag.init,
      Flag.init,
      Flag.init | Flag.discontinuity,
      Flag.init,
      Flag.init | Flag.discontinuity,
    ]);
  });

  test("a damaged section is ignored", () => {
    const damaged = PMT.map((bytes) => bytes.with(13, 0));
    const damagedPat = PAT.map((bytes) => bytes.with(15, 0x10));
    expect(marksOf(...damagedPat, ...PMT, key)).toEqual([]);
    expect(marksOf(...PAT, ...damaged, key)).toEqual([]);
    expect(marksOf(...PAT, ...damaged, ...PMT, key)).toEqual([
      [0, Flag.init],
      [3, Flag.key],
    ]);
  });
});

describe("groups", () => {
  test("random_access_indicator begins one", () => {
    const indicated = packet(VIDEO_PID, pes(SLICE), { starts: true, randomAccess: true });
    expect(marksOf(...PAT, ...PMT, delta, indicated, media).slice(1)).toEqual([[3, Flag.key]]);
  });

  test("without it, H.264 begins one with a parameter set or an IDR slice, behind any other NAL units", () => {
    const parameters = packet(VIDEO_PID, pes([...AUD, ...SPS]), { starts: true });
    expect(marksOf(...PAT, ...PMT, delta, key, delta, parameters, delta, media).slice(1)).toEqual([
      [3, Flag.key],
      [5, Flag.key],
    ]);
  });

  test("without it, HEVC begins one with a parameter set or an IRAP slice", () => {
    const hevc = sectionPackets(PMT_PID, pmt(1, [[HEVC, VIDEO_PID]]));
    const unit = (type: number) =>
      packet(VIDEO_PID, pes([0, 0, 1, 35 << 1, 1, 0, 0, 1, type << 1, 1]), { starts: true });
    const packets = [1, 16, 19, 21, 22, 32, 33, 34].map(unit);
    expect(marksOf(...PAT, ...hevc, ...packets).slice(1)).toEqual([3, 4, 5, 7, 8].map((at) => [at, Flag.key]));
  });

  test("without it, MPEG-2 begins one with a sequence header", () => {
    const mpeg2 = sectionPackets(PMT_PID, pmt(1, [[0x02, VIDEO_PID]]));
    const unit = (code: number) => packet(VIDEO_PID, pes([0, 0, 1, code, 0x14]), { starts: true });
    expect(marksOf(...PAT, ...mpeg2, unit(0x00), unit(0xb3), unit(0xb8)).slice(1)).toEqual([[3, Flag.key]]);
  });

  test("without video, audio begins one per 500 ms of its PTS, across its wrap; without PTS every time", () => {
    const audio = sectionPackets(PMT_PID, pmt(1, [[AAC, AUDIO_PID]]));
    const at = (pts?: number) => packet(AUDIO_PID, pes([0xff, 0xf1], pts), { starts: true });
    const stamped = [2 ** 33 - 45_000, 2 ** 33 - 1, 0, 44_999, 45_000, 0].map(at);
    expect(marksOf(...PAT, ...audio, ...stamped).slice(1)).toEqual([2, 4, 6, 7].map((key) => [key, Flag.key]));
    expect(marksOf(...PAT, ...audio, at(), at()).slice(1)).toEqual([2, 3].map((key) => [key, Flag.key]));
  });
});

describe("damage", () => {
  const garbage = (length: number) => new Uint8Array(length).fill(0x20);

  test("any order of any packets, with garbage, gives the same groups and inits however it is cut", () => {
    const long = sectionPackets(PMT_PID, pmt(1, [[H264, VIDEO_PID]], 1, 300));
    const pieces = [...PAT, ...PMT, ...long, media, key, delta, garbage(100), garbage(188), garbage(1)];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 60 }), (packets) => void marksOf(...packets)),
      { numRuns: 150 },
    );
  });

  test("large chunks, which are not copied as a whole, are read as small ones are", () => {
    const pieces = [...PAT, ...PMT, ...PAT, ...PMT, media, media, key, delta, garbage(100), garbage(188)];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces), { minLength: 200, maxLength: 400 }), (packets) => {
        const bytes = new Uint8Array(Buffer.concat(packets));
        sameMarks(bytes, [[1316], [16 * 1024], [20_001, 17], [17_000, 30_000]]);
      }),
      { numRuns: 50 },
    );
  });

  test("of a large chunk, only the bytes that complete held-back data are copied", () => {
    const splitter = mpegtsSplitter();
    splitter.push(new Uint8Array(Buffer.concat([...PAT, ...PMT, key, media, media, ...PAT, media.subarray(0, 100)])));
    const large = new Uint8Array(Buffer.concat([media.subarray(100), ...PMT, ...Array(200).fill(media)]));
    const copied = splitter.push(large).filter(({ payload }) => payload.buffer !== large.buffer);
    expect(copied.map(({ payload }) => payload.length)).toEqual([3 * 188]);
  });

  test("garbage before and within the stream is emitted, and the packets behind it are a discontinuity", () => {
    const marked = marksOf(garbage(188), ...PAT, ...PMT, key, media, garbage(376), key, media, media);
    expect(marked).toEqual([
      [1, Flag.init | Flag.discontinuity],
      [3, Flag.key],
      [7, Flag.key | Flag.discontinuity],
    ]);
  });

  test("garbage that holds sync bytes does not make sync", () => {
    const marked = marksOf(new Uint8Array(188).fill(0x47, 10, 90).fill(0x20, 90), ...PAT, ...PMT, media);
    expect(marked).toEqual([[1, Flag.init | Flag.discontinuity]]);
  });

  test("garbage ends a run from PAT to PMT", () => {
    expect(marksOf(...PAT, media, media, garbage(188), ...PMT, media, media)).toEqual([[4, Flag.discontinuity]]);
  });
});
