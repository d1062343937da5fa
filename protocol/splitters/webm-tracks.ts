// The tracks of a WebM stream: the video track, and the stream's MIME type with its codecs.
import { isFormat } from "../names.ts";
import { u8 } from "./bytes.ts";
import { elementsIn, Id, number } from "./webm-elements.ts";

const VIDEO = 1;
const AUDIO = 2;

/** Codec names by their ids in Matroska. */
const CODECS: Readonly<Record<string, string>> = {
  V_VP8: "vp8",
  V_VP9: "vp9",
  "V_MPEG4/ISO/AVC": "avc1",
  A_OPUS: "opus",
  A_VORBIS: "vorbis",
};

/** `video`: the number of the first video track. */
export interface WebmTracks {
  readonly video: number | undefined;
  readonly format: string;
}

/** Reads the body of a `Tracks` element. */
export function readTracks(body: Uint8Array): WebmTracks {
  const entries = [...elementsIn(body)].filter(({ id }) => id === Id.trackEntry).map((entry) => readEntry(entry.body));
  const video = entries.find(({ type }) => type === VIDEO);
  const type = video === undefined && entries.some((entry) => entry.type === AUDIO) ? "audio/webm" : "video/webm";
  const codecs = entries.map(({ codec }) => codec);
  const format = `${type};codecs="${codecs.join(",")}"`;
  const isKnown = codecs.length > 0 && !codecs.includes(undefined) && isFormat(format);
  return { video: video?.number, format: isKnown ? format : type };
}

function readEntry(body: Uint8Array): { number: number; type: number; codec: string | undefined } {
  const fields = new Map([...elementsIn(body)].map((field) => [field.id, field.body]));
  const value = (id: number) => {
    const bytes = fields.get(id) ?? new Uint8Array(0);
    return number(bytes, 0, bytes.length);
  };
  const id = String.fromCharCode(...(fields.get(Id.codecId) ?? []).slice(0, 64));
  const codec = id === "V_AV1" ? av1(fields.get(Id.codecPrivate) ?? new Uint8Array(0)) : CODECS[id];
  return { number: value(Id.trackNumber), type: value(Id.trackType), codec };
}

/** `av1C`: version, profile and level, tier and depth. */
function av1(config: Uint8Array): string {
  const [profile, level] = [u8(config, 1) >> 5, u8(config, 1) & 31];
  const tier = u8(config, 2) >> 7 === 1 ? "H" : "M";
  const depth = (u8(config, 2) & 0x40) === 0 ? "08" : "10";
  return `av01.${profile}.${String(level).padStart(2, "0")}${tier}.${depth}`;
}
