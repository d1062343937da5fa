// The fmp4 splitter on handmade boxes: sizes that ffmpeg does not write, sample flags in every place, damage.
import { describe, expect, test } from "vitest";
import { Flag } from "../../../protocol/frame.ts";
import { MAX_INIT_BYTES, MAX_PAYLOAD_BYTES } from "../../../protocol/limits.ts";
import { fmp4Splitter, MAX_MOOF_BYTES } from "../../../protocol/splitters/fmp4.ts";
import { expectSameBytes, lengthOf, split } from "./support/splitting.ts";

const NON_SYNC = 0x1_0000;
const SYNC = 0x200_0000;

function u32(...values: number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, 4 * index);
  return bytes;
}

function box(type: string, ...content: Uint8Array[]): Buffer {
  const body = Buffer.concat(content);
  return Buffer.concat([u32(8 + body.length), Buffer.from(type, "latin1"), body]);
}

function header(size: number, type: string, largeSize?: bigint): Buffer {
  const large = Buffer.alloc(largeSize === undefined ? 0 : 8);
  if (largeSize !== undefined) large.writeBigUInt64BE(largeSize);
  return Buffer.concat([u32(size), Buffer.from(type, "latin1"), large]);
}

function track(id: number, handler: string): Buffer {
  const hdlr = box("hdlr", u32(0, 0), Buffer.from(handler), u32(0, 0, 0));
  return box("trak", box("tkhd", u32(7, 0, 0, id, 0)), box("mdia", hdlr));
}

const ftyp = box("ftyp", Buffer.from("isom"), u32(0));
const moov = (defaultFlags = 0) =>
  box("moov", track(1, "soun"), track(2, "vide"), box("mvex", box("trex", u32(0, 2, 1, 0, 0, defaultFlags))));
const moof = (...trafs: Buffer[]) => box("moof", box("mfhd", u32(0, 1)), ...trafs);
const traf = (id: number, ...runs: Buffer[]) => box("traf", box("tfhd", u32(0, id)), ...runs);
const mdat = (bytes = 10) => box("mdat", Buffer.alloc(bytes, 7));
const syncRun = box("trun", u32(0x4, 1, SYNC));
const syncMoof = moof(traf(2, syncRun));

function framesOf(...parts: Uint8Array[]): [number, number][] {
  const bytes = new Uint8Array(Buffer.concat(parts));
  const frames = split(fmp4Splitter(), bytes, [1000]);
  expectSameBytes(frames, bytes);
  return frames.map(({ payload, flags }) => [payload.length, flags]);
}

function isKey(movie: Buffer, fragment: Buffer): boolean {
  return framesOf(ftyp, movie, fragment, mdat())[1]?.[1] === Flag.key;
}

describe("sync samples", () => {
  test("first_sample_flags of the run decide first", () => {
    const run = (flags: number) => box("trun", u32(0x1 | 0x4 | 0x200, 1, 99, flags, 5));
    expect(isKey(moov(NON_SYNC), moof(traf(2, run(SYNC))))).toBe(true);
    expect(isKey(moov(), moof(traf(2, run(NON_SYNC))))).toBe(false);
  });

  test("then the flags of the first sample", () => {
    const run = (flags: number) => box("trun", u32(0x1 | 0x100 | 0x200 | 0x400, 2, 99, 1, 1, flags, 1, 1, NON_SYNC));
    expect(isKey(moov(NON_SYNC), moof(traf(2, run(SYNC))))).toBe(true);
    expect(isKey(moov(), moof(traf(2, run(NON_SYNC))))).toBe(false);
  });

  test("then the defaults of the track fragment", () => {
    const fragment = (flags: number) =>
      moof(
        box("traf", box("tfhd", u32(0x1 | 0x2 | 0x8 | 0x10 | 0x20, 2, 0, 0, 1, 1, 1, flags)), box("trun", u32(0, 1))),
      );
    expect(isKey(moov(NON_SYNC), fragment(SYNC))).toBe(true);
    expect(isKey(moov(), fragment(NON_SYNC))).toBe(false);
  });

  test("then the defaults of the movie", () => {
    const fragment = moof(traf(2, box("trun", u32(0, 0)), box("trun", u32(0, 1))));
    expect(isKey(moov(SYNC), fragment)).toBe(true);
    expect(isKey(moov(NON_SYNC), fragment)).toBe(false);
  });

  test("a track with 64-bit times is found", () => {
    const tkhd = box("tkhd", u32(0x0100_0007, 0, 0, 0, 0, 2, 0));
    const trak = box("trak", tkhd, box("mdia", box("hdlr", u32(0, 0), Buffer.from("vide"))));
    expect(isKey(box("moov", trak), syncMoof)).toBe(true);
    expect(isKey(box("moov", trak), moof(traf(1, syncRun)))).toBe(false);
  });

  test("only the video track counts", () => {
    const late = box("trun", u32(0x4, 1, NON_SYNC));
    expect(isKey(moov(), moof(traf(1, late), traf(2, syncRun)))).toBe(true);
    expect(isKey(moov(), moof(traf(1, syncRun), traf(2, late)))).toBe(false);
    expect(isKey(moov(), moof(traf(1, syncRun)))).toBe(false);
  });
});

describe("frames", () => {
  const init = ftyp.length + moov().length;

  test("boxes before a moof belong to its fragment, others stand alone", () => {
    const prelude = [box("styp", u32(1)), box("sidx", u32(2)), box("emsg", u32(3)), box("prft", u32(4))];
    const size = 4 * 12 + syncMoof.length + mdat().length;
    expect(framesOf(ftyp, box("free"), moov(), ...prelude, syncMoof, mdat(), box("mfra", u32(1)))).toEqual([
      [init + 8, Flag.init],
      [size, Flag.key],
      [12, 0],
    ]);
  });

  test("a fragment of exactly the largest payload is one frame, a larger one continues without flags", () => {
    const largest = MAX_PAYLOAD_BYTES - syncMoof.length - 8;
    expect(framesOf(ftyp, moov(), syncMoof, mdat(largest))[1]).toEqual([MAX_PAYLOAD_BYTES, Flag.key]);
    const [, first, ...others] = framesOf(ftyp, moov(), syncMoof, mdat(largest + 1), syncMoof, mdat());
    expect(first?.[1]).toBe(Flag.key);
    expect(others.pop()).toEqual([syncMoof.length + mdat().length, Flag.key]);
    expect(others.every(([, flags]) => flags === 0)).toBe(true);
  });

  test("an mdat with a 64-bit size is read like any other", () => {
    const large = Buffer.concat([header(1, "mdat", 20n), u32(9)]);
    expect(framesOf(ftyp, moov(), syncMoof, large, syncMoof, mdat()).slice(1)).toEqual([
      [syncMoof.length + 20, Flag.key],
      [syncMoof.length + mdat().length, Flag.key],
    ]);
  });

  test("a box above 4 GiB continues as its bytes arrive", () => {
    const begun = Buffer.concat([header(1, "mdat", 2n ** 32n + 20n), Buffer.alloc(100)]);
    const [first, ...others] = framesOf(ftyp, moov(), syncMoof, begun).slice(1);
    expect(first).toEqual([syncMoof.length + 16, Flag.key]);
    expect(others.reduce((sum, [length]) => sum + length, 0)).toBe(100);
  });

  test("a moof ends the fragment before it, which had no mdat", () => {
    expect(framesOf(ftyp, moov(), syncMoof, syncMoof, mdat()).slice(1)).toEqual([
      [syncMoof.length, Flag.key],
      [syncMoof.length + mdat().length, Flag.key],
    ]);
  });

  test("an mdat without a size continues to the end of the stream as its bytes arrive", () => {
    const splitter = fmp4Splitter();
    splitter.push(Buffer.concat([ftyp, moov()]));
    const begun = splitter.push(Buffer.concat([syncMoof, header(0, "mdat"), u32(1)]));
    expect(begun.map(({ flags }) => flags)).toEqual([Flag.key, 0]);
    expect(splitter.push(mdat())).toEqual([{ payload: mdat(), flags: 0 }]);
    expect(splitter.end()).toEqual([]);
  });

  test("a fragment that is cut off at the end is a frame without flags", () => {
    expect(framesOf(ftyp, moov(), syncMoof, mdat().subarray(0, 12))[1]).toEqual([syncMoof.length + 12, 0]);
    expect(framesOf(ftyp, moov(), syncMoof, mdat(), u32(9))[2]).toEqual([4, 0]);
  });

  test("a fragment without a movie before it begins no group", () => {
    expect(framesOf(box("styp", u32(0)), syncMoof, mdat())).toEqual([[12 + syncMoof.length + mdat().length, 0]]);
  });
});

describe("limits", () => {
  const failsWith = (code: string, ...parts: Uint8Array[]) =>
    expect(() => framesOf(...parts)).toThrow(expect.objectContaining({ name: "ProtocolError", code }));

  test("a moov or moof that is too large is refused by its header", () => {
    failsWith("record_too_large", ftyp, header(MAX_INIT_BYTES - ftyp.length + 1, "moov"));
    failsWith("record_too_large", ftyp, header(0, "moov"));
    failsWith("record_too_large", ftyp, moov(), header(MAX_MOOF_BYTES + 1, "moof"));
    const prelude = box("styp", Buffer.alloc(MAX_MOOF_BYTES - syncMoof.length - 7));
    failsWith("record_too_large", ftyp, moov(), prelude, syncMoof);
    failsWith("record_too_large", ftyp, header(MAX_INIT_BYTES, "mdat"));
  });

  test("a malformed box is refused by its header", () => {
    failsWith("frame_truncated", header(7, "ftyp"));
    failsWith("frame_truncated", header(1, "ftyp", 15n));
    failsWith("frame_truncated", header(1, "mdat", 2n ** 60n));
    failsWith("frame_truncated", header(16, "\0\0\0\0"));
  });

  test("of a fragment above the largest payload nothing is held back", () => {
    const splitter = fmp4Splitter();
    splitter.push(Buffer.concat([ftyp, moov(), syncMoof, header(2 ** 31, "mdat")]));
    const chunk = new Uint8Array(64 * 1024);
    for (let count = 0; count < 100; count++) expect(lengthOf(splitter.push(chunk))).toBe(chunk.length);
  });
});
