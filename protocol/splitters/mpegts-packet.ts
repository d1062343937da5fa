// One transport packet of MPEG-TS: its header and adaptation field (ISO 13818-1, 2.4.3.2 to 2.4.3.5).
import { u8, u16 } from "./bytes.ts";

/** Bytes of a transport packet. */
export const PACKET_BYTES = 188;

/** First byte of every packet. */
export const SYNC_BYTE = 0x47;

/** Values that a PID can have: 13 bits. */
export const PIDS = 0x2000;

const HEADER_BYTES = 4;

/** The PID of the packet at `at`. */
export function pidAt(bytes: Uint8Array, at: number): number {
  return u16(bytes, at + 1) & (PIDS - 1);
}

/** True if a PES packet or a section begins in the packet at `at` and the receiver marked no bit error in it. */
export function startsUnit(bytes: Uint8Array, at: number): boolean {
  return (u8(bytes, at + 1) & 0xc0) === 0x40;
}

/** `random_access_indicator`: decoding can start with the PES packet that begins here. */
export function hasRandomAccessIndicator(packet: Uint8Array): boolean {
  const hasAdaptation = (u8(packet, 3) & 0x20) !== 0 && u8(packet, 4) > 0;
  return hasAdaptation && (u8(packet, 5) & 0x40) !== 0;
}

/** The payload as a view; empty if it cannot be read (scrambled, marked as erroneous, malformed). */
export function payloadOf(packet: Uint8Array): Uint8Array {
  const control = u8(packet, 3);
  const readable = (u8(packet, 1) & 0x80) === 0 && (control & 0xd0) === 0x10;
  if (!readable) return packet.subarray(PACKET_BYTES);
  const adaptationBytes = (control & 0x20) !== 0 ? 1 + u8(packet, HEADER_BYTES) : 0;
  return packet.subarray(Math.min(HEADER_BYTES + adaptationBytes, PACKET_BYTES));
}

/** True if the packet at `at` repeats `packet`, whatever its continuity counter. */
export function isRepetition(bytes: Uint8Array, at: number, packet: Uint8Array): boolean {
  if (u16(bytes, at + 1) !== u16(packet, 1) || ((u8(bytes, at + 3) ^ u8(packet, 3)) & 0xf0) !== 0) return false;
  for (let index = HEADER_BYTES; index < PACKET_BYTES; index++) if (bytes[at + index] !== packet[index]) return false;
  return true;
}
