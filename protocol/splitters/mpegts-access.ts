// The positions at which decoding of an MPEG-TS stream can start: access points of video, or of audio if there is no
// video.
import { u8, u16, u32 } from "./bytes.ts";
import { hasRandomAccessIndicator, payloadOf } from "./mpegts-packet.ts";
import type { ElementaryStream } from "./mpegts-tables.ts";

const PES_START_CODE_PREFIX = 0x000001;
const PTS_MODULUS = 2 ** 33;
const PTS_HZ = 90_000;

/** Shortest distance of two groups of a stream without video, by its presentation time. */
const MIN_GROUP_MS = 500;

/** Finds the packets at which groups begin, in one elementary stream. */
export class AccessPoints {
  readonly #stream: ElementaryStream;
  /** Presentation time of the last group, 90 kHz; undefined before the first one, and if PES packets have none. */
  #lastPts: number | undefined;

  constructor(stream: ElementaryStream) {
    this.#stream = stream;
  }

  /** True if a group begins with this packet of the stream, in which a PES packet begins. */
  beginsGroup(packet: Uint8Array): boolean {
    if (this.#stream.kind !== "video") return this.#isDue(payloadOf(packet));
    return hasRandomAccessIndicator(packet) || beginsPicture(payloadOf(packet), this.#stream.type);
  }

  #isDue(pes: Uint8Array): boolean {
    const pts = ptsOf(pes);
    if (pts !== undefined && this.#lastPts !== undefined) {
      const passed = (pts - this.#lastPts + PTS_MODULUS) % PTS_MODULUS;
      if (passed * 1000 < MIN_GROUP_MS * PTS_HZ) return false;
    }
    this.#lastPts = pts;
    return true;
  }
}

/** For muxers without random_access_indicator: looks for the start of a picture that needs no other, by its NAL units. */
function beginsPicture(pes: Uint8Array, streamType: number): boolean {
  if (!isPes(pes)) return false;
  const isAccessPoint = ACCESS_POINTS.get(streamType);
  if (isAccessPoint === undefined) return false;
  const begin = 9 + u8(pes, 8);
  for (let one = pes.indexOf(1, begin + 2); one >= 0; one = pes.indexOf(1, one + 1)) {
    if (pes[one - 1] === 0 && pes[one - 2] === 0 && one + 1 < pes.length && isAccessPoint(u8(pes, one + 1)))
      return true;
  }
  return false;
}

/**
 * By stream type: a function that gets the first byte after a start code, and returns true if decoding can start at
 * this unit.
 */
const ACCESS_POINTS: ReadonlyMap<number, (first: number) => boolean> = new Map([
  [0x01, isSequenceHeader],
  [0x02, isSequenceHeader],
  [0x1b, isH264AccessPoint],
  [0x24, isHevcAccessPoint],
]);

/** sequence_header_code (ISO 13818-2, table 6-1). */
function isSequenceHeader(first: number): boolean {
  return first === 0xb3;
}

/** A slice of an IDR picture or a sequence parameter set (ISO 14496-10, table 7-1). */
function isH264AccessPoint(first: number): boolean {
  const type = first & 0x1f;
  return type === 5 || type === 7;
}

/** A slice of an IRAP picture, a video or a sequence parameter set (ISO 23008-2, table 7-1). */
function isHevcAccessPoint(first: number): boolean {
  const type = (first >> 1) & 0x3f;
  return (type >= 16 && type <= 21) || type === 32 || type === 33;
}

function isPes(payload: Uint8Array): boolean {
  return payload.length >= 9 && u32(payload, 0) >>> 8 === PES_START_CODE_PREFIX;
}

/** PTS of a PES packet (ISO 13818-1, 2.4.3.7), 33 bits at 90 kHz. */
function ptsOf(pes: Uint8Array): number | undefined {
  if (!isPes(pes) || pes.length < 14 || (u8(pes, 7) & 0x80) === 0) return undefined;
  return ((u8(pes, 9) >> 1) & 7) * 2 ** 30 + (u16(pes, 10) >> 1) * 2 ** 15 + (u16(pes, 12) >> 1);
}
