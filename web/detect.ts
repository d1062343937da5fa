// What kind of payload a track carries, told from its first bytes.

/** `mpegts` is played, `jpeg` is shown as a picture, `bytes` as figures and a hex view. */
export type Kind = "mpegts" | "jpeg" | "bytes";

const TS_SYNC = 0x47;
const TS_PACKET_BYTES = 188;

/** The kind of a payload: an init or the first frame of an epoch. */
export function detectKind(payload: Uint8Array): Kind {
  if (isTransportStream(payload)) return "mpegts";
  if (payload[0] === 0xff && payload[1] === 0xd8 && payload[2] === 0xff) return "jpeg";
  return "bytes";
}

/** Sync bytes 188 bytes apart; a payload of one packet has only the first. */
function isTransportStream(payload: Uint8Array): boolean {
  if (payload.byteLength < TS_PACKET_BYTES || payload[0] !== TS_SYNC) return false;
  return payload.byteLength === TS_PACKET_BYTES || payload[TS_PACKET_BYTES] === TS_SYNC;
}
