// Determines whether decoding can start at a movie fragment, from `moov` and `moof` (ISO 14496-12, 8.8.3 to 8.8.8).
import { u8, u32 } from "./bytes.ts";
import { bodiesAt, boxesIn, typeAt } from "./fmp4-boxes.ts";

/** The data of a `moov` that is needed for its fragments. */
export interface Movie {
  /** The first track with the handler `vide`; undefined if there is none. */
  readonly videoTrack: number | undefined;
  /** default_sample_flags of that track. */
  readonly sampleFlags: number;
}

const NON_SYNC_SAMPLE = 0x1_0000;
const Tfhd = { baseDataOffset: 0x1, description: 0x2, duration: 0x8, size: 0x10, flags: 0x20 } as const;
const Trun = { dataOffset: 0x1, firstFlags: 0x4, duration: 0x100, size: 0x200, flags: 0x400 } as const;

/** Reads the body of a `moov`. Malformed parts count as missing. */
export function readMovie(moov: Uint8Array): Movie {
  const videoTrak = bodiesAt(moov, "trak").find((trak) =>
    bodiesAt(trak, "mdia", "hdlr").some((hdlr) => typeAt(hdlr, 8) === "vide"),
  );
  const videoTrack = videoTrak && bodiesAt(videoTrak, "tkhd").map(trackOfHeader)[0];
  const defaults = bodiesAt(moov, "mvex", "trex").find((trex) => u32(trex, 4) === videoTrack);
  return { videoTrack, sampleFlags: defaults === undefined ? 0 : u32(defaults, 20) };
}

/** True if the fragment with this `moof` body begins with a sync sample of the video, or if there is no video. */
export function beginsWithSync(moof: Uint8Array, movie: Movie): boolean {
  if (movie.videoTrack === undefined) return true;
  for (const traf of bodiesAt(moof, "traf")) {
    const tfhd = bodiesAt(traf, "tfhd")[0];
    if (tfhd === undefined || u32(tfhd, 4) !== movie.videoTrack) continue;
    const flags = firstSampleFlags(traf, tfhd, movie.sampleFlags);
    return flags !== undefined && (flags & NON_SYNC_SAMPLE) === 0;
  }
  return false;
}

function trackOfHeader(tkhd: Uint8Array): number {
  return u32(tkhd, u8(tkhd, 0) === 1 ? 20 : 12);
}

/** The flags of the first sample of a track fragment; undefined if it has no samples. */
function firstSampleFlags(traf: Uint8Array, tfhd: Uint8Array, movieFlags: number): number | undefined {
  const run = boxesIn(traf).find(({ type, body }) => type === "trun" && u32(body, 4) > 0)?.body;
  if (run === undefined) return undefined;
  const present = u32(run, 0);
  const first = 8 + field(present, Trun.dataOffset);
  if ((present & Trun.firstFlags) !== 0) return u32(run, first);
  if ((present & Trun.flags) !== 0) return u32(run, first + field(present, Trun.duration) + field(present, Trun.size));
  return defaultFlags(tfhd) ?? movieFlags;
}

/** default_sample_flags of a `tfhd`, if it has them. */
function defaultFlags(tfhd: Uint8Array): number | undefined {
  const present = u32(tfhd, 0);
  if ((present & Tfhd.flags) === 0) return undefined;
  const before =
    2 * field(present, Tfhd.baseDataOffset) +
    field(present, Tfhd.description) +
    field(present, Tfhd.duration) +
    field(present, Tfhd.size);
  return u32(tfhd, 8 + before);
}

/** Bytes of an optional 32-bit field that a flag announces. */
function field(present: number, flag: number): number {
  return (present & flag) === 0 ? 0 : 4;
}
