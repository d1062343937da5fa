// Sections of MPEG-TS: their assembly from packet payloads, and their checksum (ISO 13818-1, 2.4.4 and annex A).
import { concat, u8, u16 } from "./bytes.ts";
import { isRepetition, PACKET_BYTES, payloadOf, startsUnit } from "./mpegts-packet.ts";

/** Longest section of a PAT or PMT, including its 3 header bytes. */
const MAX_SECTION_BYTES = 1024;

const HEADER_BYTES = 3;
const STUFFING_TABLE_ID = 0xff;
const NOTHING = new Uint8Array(0);

type State = { readonly kind: "waiting" } | { readonly kind: "reading"; readonly held: Uint8Array };
const WAITING: State = { kind: "waiting" };

/** Assembles the sections of one PID. Holds back less than MAX_SECTION_BYTES and one packet. */
export class SectionReader {
  #state: State = WAITING;
  /** The last packet, if it depends on no earlier packet and no later packet depends on it. */
  #whole: { readonly packet: Uint8Array; readonly sections: readonly Uint8Array[] } | undefined;

  /** The sections that the packet at `at` completes, unchecked. Tables are repeated often, so a repetition is cheap. */
  read(bytes: Uint8Array, at: number): readonly Uint8Array[] {
    const whole = this.#state === WAITING ? this.#whole : undefined;
    if (whole !== undefined && isRepetition(bytes, at, whole.packet)) return whole.sections;
    const wasWaiting = this.#state === WAITING;
    const packet = bytes.slice(at, at + PACKET_BYTES);
    const sections = this.#read(payloadOf(packet), startsUnit(packet, 0));
    this.#whole = wasWaiting && this.#state === WAITING ? { packet, sections } : undefined;
    return sections;
  }

  #read(payload: Uint8Array, startsSection: boolean): Uint8Array[] {
    if (!startsSection) return this.#continue(payload);
    const begin = 1 + u8(payload, 0);
    const ended = this.#continue(payload.subarray(1, begin));
    this.#state = { kind: "reading", held: NOTHING };
    return [...ended, ...this.#continue(payload.subarray(begin))];
  }

  #continue(part: Uint8Array): Uint8Array[] {
    const sections: Uint8Array[] = [];
    if (this.#state.kind === "waiting") return sections;
    let rest = concat(this.#state.held, part);
    while (rest.length >= HEADER_BYTES) {
      const size = HEADER_BYTES + (u16(rest, 1) & 0xfff);
      if (u8(rest, 0) === STUFFING_TABLE_ID || size > MAX_SECTION_BYTES) {
        this.#state = WAITING;
        return sections;
      }
      if (rest.length < size) break;
      sections.push(rest.subarray(0, size));
      rest = rest.subarray(size);
    }
    this.#state = { kind: "reading", held: rest };
    return sections;
  }
}

/**
 * True if the section's CRC-32 is correct: computed over the whole section, including the checksum, it is zero (annex
 * A).
 */
export function isIntact(section: Uint8Array): boolean {
  let crc = 0xffffffff;
  for (const byte of section) {
    crc ^= byte << 24;
    for (let bit = 0; bit < 8; bit++) crc = crc < 0 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
  }
  return crc === 0;
}
