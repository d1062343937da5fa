// Writes an MPEG transport stream (ISO 13818-1) of H.264 and AAC or Opus. Each unit leaves at once, as a frame of its own.
import { Flag } from "../../protocol/frame.ts";
import type { SplitFrame } from "../../protocol/splitter.ts";
import { AUDIO_PID, PACKET_BYTES, type SoundCodec, SYNC_BYTE, tablePackets, VIDEO_PID } from "./mpegts-tables.ts";

const VIDEO_STREAM_ID = 0xe0;
const AUDIO_STREAM_ID = 0xc0;
const PRIVATE_STREAM_ID = 0xbd;
/** The time between a unit's arrival and its presentation, for decoders. The clock (PCR) is behind by this much. */
const DECODER_DELAY_TICKS = 9000;
const PES_HEADER_BYTES = 14;
const PCR_FIELD_BYTES = 8;
/** A delimiter that allows any kind of slice to follow. */
const ACCESS_UNIT_DELIMITER = Uint8Array.of(0, 0, 0, 1, 9, 0xf0);
/** The longest PES packet whose length fits its field. */
const MAX_PES_BYTES = 0xffff;

/** One encoded picture or piece of sound. `microseconds`: its presentation time, on a clock that all units share. */
export interface Unit {
  readonly bytes: Uint8Array;
  readonly microseconds: number;
}

/** One programme, without B pictures. */
export class MpegtsMuxer {
  readonly #sound: SoundCodec | undefined;
  readonly #counters = { tables: 0, [VIDEO_PID]: 0, [AUDIO_PID]: 0 };

  constructor(sound: SoundCodec | undefined) {
    this.#sound = sound;
  }

  /** The format of the track. `video`: the codec in the form of RFC 6381. */
  format(video: string): string {
    const sound = this.#sound === "aac" ? ",mp4a.40.2" : this.#sound === "opus" ? ",opus" : "";
    return `video/mp2t;codecs="${video}${sound}"`;
  }

  /** A picture in Annex B; a key picture begins with its parameter sets, and becomes a group with its init. */
  picture({ bytes, microseconds }: Unit, isKey: boolean): SplitFrame[] {
    const unit = concat(ACCESS_UNIT_DELIMITER, bytes);
    const payload = this.#packets(VIDEO_PID, pes(VIDEO_STREAM_ID, unit, microseconds), isKey, microseconds);
    if (!isKey) return [{ payload, flags: 0 }];
    const init = tablePackets(this.#sound, this.#counters.tables++);
    return [
      { payload: init, flags: Flag.init },
      { payload, flags: Flag.key },
    ];
  }

  /** A frame of AAC with its ADTS header, or a packet of Opus. */
  sound({ bytes, microseconds }: Unit): SplitFrame[] {
    const isOpus = this.#sound === "opus";
    const unit = isOpus ? concat(opusHeader(bytes.byteLength), bytes) : bytes;
    const packet = pes(isOpus ? PRIVATE_STREAM_ID : AUDIO_STREAM_ID, unit, microseconds);
    return [{ payload: this.#packets(AUDIO_PID, packet, true, undefined), flags: 0 }];
  }

  /** The packets of one PES packet, with the clock if `clock` (microseconds) is set. */
  #packets(pid: 0x100 | 0x101, pesPacket: Uint8Array, isAccess: boolean, clock: number | undefined): Uint8Array {
    const room = PACKET_BYTES - 4;
    const first = clock === undefined ? 2 : PCR_FIELD_BYTES;
    const packets = new Uint8Array(Math.ceil((pesPacket.byteLength + first) / room) * PACKET_BYTES);
    let read = 0;
    for (let at = 0; at < packets.byteLength; at += PACKET_BYTES) {
      const packet = packets.subarray(at, at + PACKET_BYTES);
      const rest = pesPacket.byteLength - read;
      // The first packet has the clock and the mark of an access point; the last one has stuffing.
      const field = at === 0 ? Math.max(first, room - rest) : Math.max(0, room - rest);
      packet[0] = SYNC_BYTE;
      packet[1] = (at === 0 ? 0x40 : 0) | (pid >> 8);
      packet[2] = pid & 0xff;
      packet[3] = (field > 0 ? 0x30 : 0x10) | (this.#counters[pid]++ & 15);
      if (field > 0) writeAdaptation(packet.subarray(4, 4 + field), at === 0 && isAccess, at === 0 ? clock : undefined);
      packet.set(pesPacket.subarray(read, read + room - field), 4 + field);
      read += room - field;
    }
    return packets;
  }
}

/** ISO 13818-1, 2.4.3.4. A field of one byte is its length alone. */
function writeAdaptation(field: Uint8Array, isAccess: boolean, clock: number | undefined): void {
  field.fill(0xff);
  field[0] = field.byteLength - 1;
  if (field.byteLength < 2) return;
  field[1] = (isAccess ? 0x40 : 0) | (clock === undefined ? 0 : 0x10);
  if (clock === undefined) return;
  const base = ticks(clock);
  // 33 bits of 90 kHz, six that are reserved, nine of 27 MHz.
  field[2] = Math.floor(base / 2 ** 25);
  field[3] = Math.floor(base / 2 ** 17) & 0xff;
  field[4] = Math.floor(base / 2 ** 9) & 0xff;
  field[5] = Math.floor(base / 2) & 0xff;
  field[6] = ((base % 2) << 7) | 0x7e;
  field[7] = 0;
}

function pes(streamId: number, unit: Uint8Array, microseconds: number): Uint8Array {
  const packet = new Uint8Array(PES_HEADER_BYTES + unit.byteLength);
  const length = packet.byteLength - 6;
  // With an explicit length, decoders need not wait for the next unit.
  const said = length > MAX_PES_BYTES ? 0 : length;
  packet.set([0, 0, 1, streamId, said >> 8, said & 0xff, 0x84, 0x80, 5]);
  const time = (ticks(microseconds) + DECODER_DELAY_TICKS) % 2 ** 33;
  packet[9] = 0x21 | (Math.floor(time / 2 ** 30) << 1);
  packet[10] = Math.floor(time / 2 ** 22) & 0xff;
  packet[11] = (Math.floor(time / 2 ** 14) & 0xfe) | 1;
  packet[12] = Math.floor(time / 2 ** 7) & 0xff;
  packet[13] = ((time * 2) & 0xfe) | 1;
  packet.set(unit, PES_HEADER_BYTES);
  return packet;
}

/** Of 90 kHz, in 33 bits. */
function ticks(microseconds: number): number {
  return Math.round((microseconds * 9) / 100) % 2 ** 33;
}

/** The control header of a packet of Opus: no trims, its size in steps of 255. */
function opusHeader(bytes: number): Uint8Array {
  const steps = Math.floor(bytes / 255);
  return Uint8Array.of(0x7f, 0xe0, ...new Array<number>(steps).fill(255), bytes % 255);
}

function concat(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.byteLength + second.byteLength);
  both.set(first);
  both.set(second, first.byteLength);
  return both;
}
