// The kind of payload of a track: by its format, or else by its first bytes.

/**
 * `mse`: formats that the browser's media source accepts unchanged (fragmented MP4, WebM). `pictures`: each frame is a
 * picture.
 */
export type Kind = "mpegts" | "mse" | "pictures" | "lines" | "json" | "bytes";

const TS_SYNC = 0x47;
const TS_PACKET_BYTES = 188;
/** The number of bytes that are checked to recognize text. */
const TEXT_BYTES = 512;

const BOXES = ["ftyp", "styp", "moov", "moof", "sidx"];

/** By the type of a format, without parameters. The first match decides. */
const FORMATS: readonly (readonly [RegExp, Kind])[] = [
  [/^video\/mp2t$/, "mpegts"],
  [/^(?:video|audio)\/(?:mp4|webm)$/, "mse"],
  [/^image\//, "pictures"],
  [/^application\/(?:json|jsonl|json-seq|x-ndjson|x-jsonlines|ndjson)$|\+json$/, "json"],
  [/^text\//, "lines"],
  [/^application\/octet-stream$/, "bytes"],
];

/** The kind of a format; undefined if the format is unknown. */
export function kindOfFormat(format: string): Kind | undefined {
  const type = format.split(";", 1)[0]?.trim().toLowerCase() ?? "";
  return FORMATS.find(([pattern]) => pattern.test(type))?.[1];
}

/** The kind of a payload: an init or the first frame of an epoch. */
export function detectKind(payload: Uint8Array): Kind {
  if (isTransportStream(payload)) return "mpegts";
  if (payload[0] === 0xff && payload[1] === 0xd8 && payload[2] === 0xff) return "pictures";
  if (BOXES.includes(String.fromCharCode(...payload.subarray(4, 8)))) return "mse";
  const text = textOf(payload);
  if (text === undefined) return "bytes";
  return isJson(text.split("\n", 1)[0] ?? "") || isJson(text) ? "json" : "lines";
}

/** Checks for sync bytes 188 bytes apart. A payload of one packet has only the first. */
function isTransportStream(payload: Uint8Array): boolean {
  if (payload.byteLength < TS_PACKET_BYTES || payload[0] !== TS_SYNC) return false;
  return payload.byteLength === TS_PACKET_BYTES || payload[TS_PACKET_BYTES] === TS_SYNC;
}

/** Decodes UTF-8 without control characters except white space and escapes. A character at the end may be cut off. */
function textOf(payload: Uint8Array): string | undefined {
  if (payload.byteLength === 0) return undefined;
  const isPlain = (byte: number) => byte >= 0x20 || (byte >= 0x08 && byte <= 0x0d) || byte === 0x1b;
  if (!payload.subarray(0, TEXT_BYTES).every(isPlain)) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(payload, { stream: true });
  } catch {
    return undefined;
  }
}

function isJson(text: string): boolean {
  if (!/^\s*[[{]/.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
