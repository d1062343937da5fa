// Makes transport packets by hand, for cases that ffmpeg does not produce.

interface PacketOptions {
  readonly starts?: boolean;
  readonly randomAccess?: boolean;
}

const CRC_BYTES = 4;

/** One packet; a short payload is filled up by the adaptation field. */
export function packet(pid: number, payload: readonly number[], options: PacketOptions = {}): Uint8Array {
  const bytes = new Uint8Array(188).fill(0xff);
  const adaptationBytes = 184 - payload.length;
  bytes.set([0x47, (options.starts ? 0x40 : 0) | (pid >> 8), pid & 0xff, adaptationBytes > 0 ? 0x30 : 0x10]);
  if (adaptationBytes > 0) bytes[4] = adaptationBytes - 1;
  if (adaptationBytes > 1) bytes[5] = options.randomAccess ? 0x40 : 0;
  bytes.set(payload, 188 - payload.length);
  return bytes;
}

/** The packets of a section. */
export function sectionPackets(pid: number, section: readonly number[]): Uint8Array[] {
  const bytes = [0, ...section];
  const packets: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += 184) {
    const part = bytes.slice(at, at + 184);
    packets.push(packet(pid, [...part, ...Array(184 - part.length).fill(0xff)], { starts: at === 0 }));
  }
  return packets;
}

/** A PAT of programmes, as pairs of number and PID of the PMT. */
export function pat(programmes: readonly (readonly [number, number])[], version = 0): number[] {
  return section(
    0,
    1,
    version,
    programmes.flatMap(([number, pid]) => [...u16(number), ...u16(0xe000 | pid)]),
  );
}

/** A PMT of streams, as pairs of stream type and PID; `descriptorBytes` of a private descriptor make it longer. */
export function pmt(
  programme: number,
  streams: readonly (readonly [number, number])[],
  version = 0,
  descriptorBytes = 0,
): number[] {
  const descriptors = Array(descriptorBytes).fill(0x55);
  const loop = streams.flatMap(([type, pid]) => [type, ...u16(0xe000 | pid), ...u16(0xf000)]);
  return section(2, programme, version, [...u16(0xe100), ...u16(0xf000 | descriptorBytes), ...descriptors, ...loop]);
}

/** The beginning of a PES packet with this elementary stream, with a PTS if given (90 kHz). */
export function pes(stream: readonly number[], pts?: number): number[] {
  if (pts === undefined) return [0, 0, 1, 0xe0, 0, 0, 0x80, 0, 0, ...stream];
  const high = Math.floor(pts / 2 ** 30);
  const stamp = [0x21 | (high << 1), ...u16(((pts >> 14) & 0xfffe) | 1), ...u16(((pts << 1) & 0xfffe) | 1)];
  return [0, 0, 1, 0xc0, 0, 0, 0x80, 0x80, 5, ...stamp, ...stream];
}

function section(tableId: number, id: number, version: number, body: readonly number[]): number[] {
  const length = 5 + body.length + CRC_BYTES;
  const bytes = [tableId, ...u16(0xb000 | length), ...u16(id), 0xc1 | (version << 1), 0, 0, ...body];
  const crc = crc32(bytes);
  return [...bytes, ...u16(crc >>> 16), ...u16(crc & 0xffff)];
}

function crc32(bytes: readonly number[]): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    for (let bit = 7; bit >= 0; bit--) {
      const carry = ((crc >>> 31) ^ (byte >> bit)) & 1;
      crc = (crc << 1) ^ (carry === 1 ? 0x04c11db7 : 0);
    }
  }
  return crc >>> 0;
}

function u16(value: number): [number, number] {
  return [(value >> 8) & 0xff, value & 0xff];
}
