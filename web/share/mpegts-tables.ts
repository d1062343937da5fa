// The tables of an MPEG transport stream with one programme (ISO 13818-1): its streams and their PIDs.

export const PACKET_BYTES = 188;
export const SYNC_BYTE = 0x47;
export const VIDEO_PID = 0x100;
export const AUDIO_PID = 0x101;

/** The codec of the sound. Opus is private data with descriptors of its own. */
export type SoundCodec = "aac" | "opus";

const PAT_PID = 0;
const PMT_PID = 0x1000;
const PROGRAMME = 1;
const H264 = 0x1b;
const AAC_ADTS = 0x0f;
const PRIVATE_DATA = 0x06;
/** A registration descriptor `Opus`, and an extension descriptor for two channels. */
const OPUS_DESCRIPTORS = [0x05, 4, 0x4f, 0x70, 0x75, 0x73, 0x7f, 2, 0x80, 2];

/** PAT and PMT, one packet each. `counter`: the number of times that they were sent before. */
export function tablePackets(sound: SoundCodec | undefined, counter: number): Uint8Array {
  const packets = new Uint8Array(2 * PACKET_BYTES).fill(0xff);
  writeSection(packets.subarray(0, PACKET_BYTES), PAT_PID, counter, patSection());
  writeSection(packets.subarray(PACKET_BYTES), PMT_PID, counter, pmtSection(sound));
  return packets;
}

function patSection(): number[] {
  return section(0x00, PROGRAMME, [...uint16(PROGRAMME), ...pid(PMT_PID)]);
}

function pmtSection(sound: SoundCodec | undefined): number[] {
  const streams = [H264, ...pid(VIDEO_PID), ...length12(0)];
  if (sound === "aac") streams.push(AAC_ADTS, ...pid(AUDIO_PID), ...length12(0));
  if (sound === "opus")
    streams.push(PRIVATE_DATA, ...pid(AUDIO_PID), ...length12(OPUS_DESCRIPTORS.length), ...OPUS_DESCRIPTORS);
  return section(0x02, PROGRAMME, [...pid(VIDEO_PID), ...length12(0), ...streams]);
}

/** A section with version 0, current, the only one of its table, with its checksum. */
function section(tableId: number, extension: number, body: readonly number[]): number[] {
  const length = 5 + body.length + 4;
  const bytes = [tableId, 0xb0 | (length >> 8), length & 0xff, ...uint16(extension), 0xc1, 0, 0, ...body];
  const crc = crc32(bytes);
  return [...bytes, crc >>> 24, (crc >>> 16) & 0xff, (crc >>> 8) & 0xff, crc & 0xff];
}

function writeSection(packet: Uint8Array, pidOf: number, counter: number, bytes: readonly number[]): void {
  packet.set([SYNC_BYTE, 0x40 | (pidOf >> 8), pidOf & 0xff, 0x10 | (counter & 15), 0, ...bytes]);
}

function uint16(value: number): number[] {
  return [value >> 8, value & 0xff];
}

function pid(value: number): number[] {
  return uint16(0xe000 | value);
}

function length12(value: number): number[] {
  return uint16(0xf000 | value);
}

/** CRC-32/MPEG-2. */
function crc32(bytes: readonly number[]): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte << 24;
    for (let bit = 0; bit < 8; bit++) crc = crc < 0 || crc >= 0x80000000 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
  }
  return crc >>> 0;
}
