// Plays an MPEG-TS file in a seamless loop: times and continuity counters continue from the previous round.

const PACKET_BYTES = 188;
/** Clock of PTS and DTS, per second (ISO 13818-1, 2.4.3.6); the base of PCR uses the same clock. */
const CLOCK_HZ = 90_000;
const TIME_WRAP = 2 ** 33;

/** The file as packets, with the fields that change. */
export class TransportLoop {
  readonly #file: Uint8Array;
  /** The duration of one round, in 90 kHz units. */
  readonly #duration: number;
  readonly #counters = new Map<number, number>();
  #round = 0;

  /** `seconds`: the duration of the file. Throws `TypeError` if the file is not MPEG-TS. */
  constructor(file: Uint8Array, seconds: number) {
    if (file.byteLength % PACKET_BYTES !== 0 || file[0] !== 0x47) throw new TypeError("not an MPEG transport stream");
    this.#file = file;
    this.#duration = Math.round(seconds * CLOCK_HZ);
  }

  /** The bytes of the next round: the file with shifted times. */
  next(): Uint8Array {
    const round = this.#file.slice();
    const shift = this.#duration * this.#round++;
    for (let offset = 0; offset < round.byteLength; offset += PACKET_BYTES) {
      this.#rewrite(round.subarray(offset, offset + PACKET_BYTES), shift);
    }
    return round;
  }

  #rewrite(packet: Uint8Array, shift: number): void {
    const pid = ((byte(packet, 1) & 0x1f) << 8) | byte(packet, 2);
    const control = byte(packet, 3);
    const hasPayload = (control & 0x10) !== 0;
    const hasAdaptation = (control & 0x20) !== 0;
    if (hasPayload) {
      const counter = this.#counters.get(pid) ?? 0;
      packet[3] = (control & 0xf0) | counter;
      this.#counters.set(pid, (counter + 1) & 0x0f);
    }
    const payload = hasAdaptation ? 5 + byte(packet, 4) : 4;
    if (hasAdaptation && byte(packet, 4) >= 7 && (byte(packet, 5) & 0x10) !== 0) shiftPcr(packet, 6, shift);
    const starts = (byte(packet, 1) & 0x40) !== 0;
    if (starts && hasPayload && isPes(packet, payload)) shiftPes(packet, payload, shift);
  }
}

function isPes(packet: Uint8Array, at: number): boolean {
  return at + 14 < PACKET_BYTES && packet[at] === 0 && packet[at + 1] === 0 && packet[at + 2] === 1;
}

function shiftPes(packet: Uint8Array, at: number, shift: number): void {
  const flags = byte(packet, at + 7) >> 6;
  if ((flags & 2) !== 0) shiftTime(packet, at + 9, shift);
  if (flags === 3) shiftTime(packet, at + 14, shift);
}

/** Shifts a PTS or DTS: 33 bits in five bytes, with marker bits between (ISO 13818-1, 2.4.3.7). */
function shiftTime(packet: Uint8Array, at: number, shift: number): void {
  const high = (byte(packet, at) >> 1) & 0x07;
  const middle = (byte(packet, at + 1) << 7) | (byte(packet, at + 2) >> 1);
  const low = (byte(packet, at + 3) << 7) | (byte(packet, at + 4) >> 1);
  const time = (high * 2 ** 30 + middle * 2 ** 15 + low + shift) % TIME_WRAP;
  packet[at] = (byte(packet, at) & 0xf1) | (Math.floor(time / 2 ** 30) << 1);
  packet[at + 1] = (time >>> 22) & 0xff;
  packet[at + 2] = ((time >>> 14) & 0xfe) | 1;
  packet[at + 3] = (time >>> 7) & 0xff;
  packet[at + 4] = ((time << 1) & 0xfe) | 1;
}

/** Shifts a PCR's base: 33 bits at the start of six bytes. */
function shiftPcr(packet: Uint8Array, at: number, shift: number): void {
  const view = new DataView(packet.buffer, packet.byteOffset + at, 6);
  const base = (view.getUint32(0) * 2 + (view.getUint8(4) >> 7) + shift) % TIME_WRAP;
  view.setUint32(0, Math.floor(base / 2));
  view.setUint8(4, (view.getUint8(4) & 0x7f) | ((base & 1) << 7));
}

function byte(packet: Uint8Array, at: number): number {
  return packet[at] ?? 0;
}
