// The way to play a recording: by its format, or else by the first bytes of its init.

/** There are playlists for MPEG-TS and fMP4. */
export type RecordingKind = "mpegts" | "fmp4" | "other";

const BY_TYPE: Readonly<Record<string, RecordingKind>> = {
  "video/mp2t": "mpegts",
  "video/mp4": "fmp4",
  "audio/mp4": "fmp4",
};

/** `init`: at least its first bytes; null: there is none. */
export function kindOf(format: string | null, init: Uint8Array | null): RecordingKind {
  const [type = ""] = (format ?? "").split(";");
  const known = BY_TYPE[type.trim().toLowerCase()];
  if (known !== undefined || init === null) return known ?? "other";
  if (init[0] === 0x47) return "mpegts";
  return FTYP.every((byte, index) => init[4 + index] === byte) ? "fmp4" : "other";
}

const FTYP = [0x66, 0x74, 0x79, 0x70];
