// The framing `mpegts`: an MPEG transport stream (ISO 13818-1), cut where decoding can start.
import { Flag } from "../frame.ts";
import { isFormat } from "../names.ts";
import type { SplitFrame, Splitter } from "../splitter.ts";
import { AccessPoints } from "./mpegts-access.ts";
import { Cutter } from "./mpegts-cutter.ts";
import { PACKET_BYTES, PIDS, pidAt, SYNC_BYTE, startsUnit } from "./mpegts-packet.ts";
import { SectionReader } from "./mpegts-sections.ts";
import { Tables } from "./mpegts-tables.ts";

/** Largest frame: the whole packets that fit in 64 KiB. */
export const MPEGTS_MAX_FRAME_BYTES = Math.floor((64 * 1024) / PACKET_BYTES) * PACKET_BYTES;

/** The largest number of packets from a PAT to the last PMT that can be initialisation data. */
export const MPEGTS_MAX_INIT_PACKETS = 16;

/** The splitter holds back at most this much. */
export const MPEGTS_MAX_HELD_BYTES = MPEGTS_MAX_INIT_PACKETS * PACKET_BYTES;

/** Chunks from this size on are not copied as a whole. */
const LARGE_BYTES = 16 * 1024;

/** The format before the tables have come, and if they contain no codec with a name. */
const MPEGTS_FORMAT = "video/mp2t";

const PAT_PID = 0;

/** What the splitter looks for in the packets of a PID. */
const Role = { none: 0, table: 1, key: 2 } as const;

/** Packets from a PAT on. They are initialisation data if they include all PMTs. */
interface Run {
  start: number;
  packets: number;
  /** Programmes whose PMT is still missing; undefined while the PAT is incomplete. */
  missing: Set<number> | undefined;
}

/**
 * Frames hold whole packets and are cut at 64 KiB, before a group and around initialisation data.
 *
 * - init: the packets from a PAT to the last PMT that it names, if they are at most 16 and no group begins among them;
 *   other packets in between are part of it, because bytes are never reordered. Without such a run there is no init. With
 *   `discontinuity` if a table changed since the last init.
 * - key: a PES packet of the first video PID that has random_access_indicator or begins with a parameter set or an intra
 *   picture (H.264, HEVC, MPEG-1/2). Without video, audio begins a group every 500 ms of its PTS.
 * - Bytes outside packets (three sync bytes 188 bytes apart make sync) become frames without flags; the next frame
 *   has `discontinuity`.
 *
 * Holds back an incomplete packet, a run from a PAT and the search for sync: less than MPEGTS_MAX_HELD_BYTES. No errors.
 */
export function mpegtsSplitter(): Splitter {
  return new MpegtsSplitter();
}

class MpegtsSplitter implements Splitter {
  readonly failure = undefined;
  readonly isShapeless = false;
  format = MPEGTS_FORMAT;
  readonly #cutter = new Cutter(MPEGTS_MAX_FRAME_BYTES);
  #sync: "searching" | "locked" = "searching";
  /** The next byte to read, from the start of the cutter's bytes. */
  #at = 0;
  #run: Run | undefined;
  readonly #roles = new Uint8Array(PIDS);
  readonly #tables = new Tables();
  readonly #sections = new Map<number, SectionReader>();
  #knownVersion = 0;
  #initVersion = 0;
  #accessPoints: AccessPoints | undefined;

  constructor() {
    this.#roles[PAT_PID] = Role.table;
    this.#sections.set(PAT_PID, new SectionReader());
  }

  get heldBytes(): number {
    return this.#cutter.bytes.length;
  }

  push(chunk: Uint8Array): SplitFrame[] {
    if (chunk.length < LARGE_BYTES) return this.#read(chunk);
    const frames: SplitFrame[] = [];
    let at = 0;
    // Completes the held-back bytes packet by packet, so that the rest of the chunk need not be copied behind them.
    for (let packets = 0; packets <= MPEGTS_MAX_INIT_PACKETS; packets++) {
      if (this.heldBytes === 0 || this.#sync !== "locked") break;
      const end = at + PACKET_BYTES - (this.heldBytes % PACKET_BYTES);
      frames.push(...this.#read(chunk.subarray(at, end)));
      at = end;
    }
    const rest = this.#read(chunk.subarray(at));
    return frames.length === 0 ? rest : [...frames, ...rest];
  }

  #read(chunk: Uint8Array): SplitFrame[] {
    this.#cutter.load(chunk);
    let more = true;
    while (more) more = this.#sync === "locked" ? this.#readPackets() : this.#findSync();
    const end = this.#run?.start ?? this.#at;
    this.#cutter.cut(end);
    this.#at -= end;
    if (this.#run !== undefined) this.#run.start = 0;
    return this.#cutter.release();
  }

  end(): SplitFrame[] {
    this.#cutter.cut(this.#cutter.bytes.length);
    return this.#cutter.release();
  }

  /** Looks for the next sync. Returns false if the available bytes do not determine it. */
  #findSync(): boolean {
    const { bytes } = this.#cutter;
    let at = bytes.indexOf(SYNC_BYTE, this.#at);
    while (at >= 0 && !mayBeSync(bytes, at)) at = bytes.indexOf(SYNC_BYTE, at + 1);
    if (at < 0) at = bytes.length;
    if (at > this.#at) {
      this.#cutter.flags = 0;
      this.#cutter.cut(at);
      this.#cutter.flags = Flag.discontinuity;
    }
    this.#at = at;
    if (at + 2 * PACKET_BYTES >= bytes.length) return false;
    this.#sync = "locked";
    return true;
  }

  /** Reads whole packets. Returns true if it stopped because sync was lost. */
  #readPackets(): boolean {
    const { bytes } = this.#cutter;
    const last = bytes.length - PACKET_BYTES;
    let at = this.#at;
    for (; at <= last && bytes[at] === SYNC_BYTE; at += PACKET_BYTES) {
      const role = this.#roles[pidAt(bytes, at)];
      if (role === Role.key) this.#readKeyPacket(at);
      else if (role !== Role.none) this.#readTablePacket(at);
      if (this.#run !== undefined) this.#countInRun(this.#run, at + PACKET_BYTES);
    }
    this.#at = at;
    if (at > last) return false;
    this.#cutter.cut(at);
    this.#run = undefined;
    this.#sync = "searching";
    return true;
  }

  /** A packet of the stream at which groups are cut. Most packets begin nothing, and must cost nothing. */
  #readKeyPacket(at: number): void {
    const { bytes } = this.#cutter;
    const begins = startsUnit(bytes, at) && this.#accessPoints?.beginsGroup(bytes.subarray(at, at + PACKET_BYTES));
    if (!begins) return;
    this.#run = undefined;
    this.#cutter.cut(at);
    this.#cutter.flags |= Flag.key;
  }

  #readTablePacket(at: number): void {
    const { bytes } = this.#cutter;
    const pid = pidAt(bytes, at);
    if (pid === PAT_PID && startsUnit(bytes, at)) this.#run = { start: at, packets: 0, missing: undefined };
    for (const section of this.#sections.get(pid)?.read(bytes, at) ?? []) {
      if (pid === PAT_PID) this.#readPat(section);
      else this.#readPmt(section, pid);
      if (this.#tables.version !== this.#knownVersion) this.#adoptTables();
    }
  }

  #readPat(section: Uint8Array): void {
    if (!this.#tables.readPat(section) || this.#run === undefined) return;
    const missing = new Set(this.#tables.programmeNumbers);
    this.#run.missing = missing.size === 0 ? undefined : missing;
  }

  #readPmt(section: Uint8Array, pid: number): void {
    const programme = this.#tables.readPmt(section, pid);
    if (programme !== undefined) this.#run?.missing?.delete(programme);
  }

  /** The tables changed, so other PIDs are relevant now. */
  #adoptTables(): void {
    this.#knownVersion = this.#tables.version;
    this.format = formatOf(this.#tables.codecs);
    const keyStream = this.#tables.keyStream;
    const tablePids = new Set([PAT_PID, ...this.#tables.pmtPids]);
    this.#accessPoints = keyStream && new AccessPoints(keyStream);
    this.#roles.fill(Role.none);
    if (keyStream !== undefined) this.#roles[keyStream.pid] = Role.key;
    for (const pid of this.#sections.keys()) if (!tablePids.has(pid)) this.#sections.delete(pid);
    for (const pid of tablePids) {
      this.#roles[pid] = Role.table;
      if (!this.#sections.has(pid)) this.#sections.set(pid, new SectionReader());
    }
  }

  /** One more packet of the run was read, up to `end`. The run may now be complete, or too long. */
  #countInRun(run: Run, end: number): void {
    run.packets++;
    if (run.missing?.size === 0) {
      this.#cutter.cut(run.start);
      const changed = this.#initVersion !== 0 && this.#initVersion !== this.#tables.version;
      this.#cutter.flags |= changed ? Flag.init | Flag.discontinuity : Flag.init;
      this.#cutter.cut(end);
      this.#initVersion = this.#tables.version;
      this.#run = undefined;
    } else if (run.packets === MPEGTS_MAX_INIT_PACKETS) {
      this.#run = undefined;
    }
  }
}

/** True if, as far as bytes are available, every sync byte of packets from `at` on is present. */
function mayBeSync(bytes: Uint8Array, at: number): boolean {
  const here = (position: number) => position >= bytes.length || bytes[position] === SYNC_BYTE;
  return here(at + PACKET_BYTES) && here(at + 2 * PACKET_BYTES);
}

function formatOf(codecs: readonly string[]): string {
  const format = `${MPEGTS_FORMAT};codecs="${codecs.join(",")}"`;
  return codecs.length > 0 && isFormat(format) ? format : MPEGTS_FORMAT;
}
