// The contents that an MPEG-TS stream declares: PAT and PMTs (ISO 13818-1, 2.4.4.3 and 2.4.4.8), and the stream to cut
// at.
import { equal, u8, u16 } from "./bytes.ts";
import { PIDS } from "./mpegts-packet.ts";
import { isIntact } from "./mpegts-sections.ts";

/** `video` and `audio` for known stream types, `other` for the rest. */
export type StreamKind = "video" | "audio" | "other";

export interface ElementaryStream {
  readonly pid: number;
  /** `stream_type`, table 2-34. */
  readonly type: number;
  readonly kind: StreamKind;
}

interface Programme {
  readonly pmtPid: number;
  /** The section that `streams` is from; empty before the first. */
  pmt: Uint8Array;
  streams: readonly ElementaryStream[];
}

const PAT_TABLE_ID = 0;
const PMT_TABLE_ID = 2;
const CRC_BYTES = 4;
const NOTHING = new Uint8Array(0);

const KINDS: ReadonlyMap<number, StreamKind> = new Map([
  ...[0x01, 0x02, 0x10, 0x1b, 0x24].map((type) => [type, "video"] as const),
  ...[0x03, 0x04, 0x0f, 0x11, 0x81, 0x87].map((type) => [type, "audio"] as const),
]);

/** Names of codecs by stream type, if the type alone determines them. */
const CODECS: ReadonlyMap<number, string> = new Map([
  [0x03, "mp3"],
  [0x04, "mp3"],
  [0x0f, "mp4a.40.2"],
  [0x1b, "avc1"],
  [0x24, "hvc1"],
  [0x81, "ac-3"],
  [0x87, "ec-3"],
]);

/** The current tables. A PAT with more than one section (over 250 programmes) is ignored. */
export class Tables {
  /** Counts the changes of any table. */
  version = 0;
  #pat: Uint8Array = NOTHING;
  readonly #programmes = new Map<number, Programme>();

  /** Takes a section of PID 0; true if it is the current, intact PAT. */
  readPat(section: Uint8Array): boolean {
    if (equal(section, this.#pat)) return true;
    const isWhole = u16(section, 6) === 0;
    if (!isCurrent(section, PAT_TABLE_ID) || !isWhole || !isIntact(section)) return false;
    this.#pat = section.slice();
    this.version++;
    this.#programmes.clear();
    for (let at = 8; at + 4 <= section.length - CRC_BYTES; at += 4) {
      const number = u16(section, at);
      const pmtPid = u16(section, at + 2) & (PIDS - 1);
      if (number !== 0) this.#programmes.set(number, { pmtPid, pmt: NOTHING, streams: [] });
    }
    return true;
  }

  /** Takes a section of a PMT's PID. Returns the number of its programme if it is a current, intact PMT. */
  readPmt(section: Uint8Array, pid: number): number | undefined {
    const number = u16(section, 3);
    const programme = this.#programmes.get(number);
    if (programme?.pmtPid !== pid) return undefined;
    if (equal(section, programme.pmt)) return number;
    if (!isCurrent(section, PMT_TABLE_ID) || !isIntact(section)) return undefined;
    programme.pmt = section.slice();
    programme.streams = streamsOf(section);
    this.version++;
    return number;
  }

  get programmeNumbers(): Iterable<number> {
    return this.#programmes.keys();
  }

  get pmtPids(): number[] {
    return [...this.#programmes.values()].map((programme) => programme.pmtPid);
  }

  /** The codecs of all streams, each once. */
  get codecs(): string[] {
    const streams = [...this.#programmes.values()].flatMap((programme) => programme.streams);
    return [...new Set(streams.flatMap(({ type }) => CODECS.get(type) ?? []))];
  }

  /**
   * The stream whose access points begin groups: the first video, or else the first audio, or else the first stream.
   */
  get keyStream(): ElementaryStream | undefined {
    const streams = [...this.#programmes.values()].flatMap((programme) => programme.streams);
    return streams.find(({ kind }) => kind === "video") ?? streams.find(({ kind }) => kind === "audio") ?? streams[0];
  }
}

function isCurrent(section: Uint8Array, tableId: number): boolean {
  return u8(section, 0) === tableId && (u8(section, 5) & 1) === 1;
}

function streamsOf(pmt: Uint8Array): ElementaryStream[] {
  const streams: ElementaryStream[] = [];
  let at = 12 + (u16(pmt, 10) & 0xfff);
  while (at + 5 <= pmt.length - CRC_BYTES) {
    const type = u8(pmt, at);
    streams.push({ pid: u16(pmt, at + 1) & (PIDS - 1), type, kind: KINDS.get(type) ?? "other" });
    at += 5 + (u16(pmt, at + 3) & 0xfff);
  }
  return streams;
}
