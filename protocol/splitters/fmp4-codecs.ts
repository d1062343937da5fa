// The format of an MP4 movie: its MIME type, with the codecs of its tracks as RFC 6381 writes them.
import { isFormat } from "../names.ts";
import { u8, u32 } from "./bytes.ts";
import { type Box, bodiesAt, boxesIn, typeAt } from "./fmp4-boxes.ts";

/** Bytes of a sample entry before the boxes in it (ISO 14496-12, 12.1.3 and 12.2.3). */
const VIDEO_ENTRY_BYTES = 78;
const AUDIO_ENTRY_BYTES = 28;

/** Names that differ from the type of the sample entry. */
const NAMES: Readonly<Record<string, string>> = { Opus: "opus", fLaC: "flac", ".mp3": "mp3" };

/**
 * The format of a movie, from the body of its `moov`; undefined if it has no track. Malformed parts count as missing.
 */
export function movieFormat(moov: Uint8Array): string | undefined {
  const tracks = bodiesAt(moov, "trak").flatMap((trak) => trackCodec(trak) ?? []);
  if (tracks.length === 0) return undefined;
  const type = tracks.some(({ isVideo }) => isVideo) ? "video/mp4" : "audio/mp4";
  const format = `${type};codecs="${[...new Set(tracks.map(({ codec }) => codec))].join(",")}"`;
  return isFormat(format) ? format : type;
}

function trackCodec(trak: Uint8Array): { isVideo: boolean; codec: string } | undefined {
  const handler = bodiesAt(trak, "mdia", "hdlr").map((hdlr) => typeAt(hdlr, 8))[0];
  const stsd = bodiesAt(trak, "mdia", "minf", "stbl", "stsd")[0];
  const [entry] = stsd === undefined ? [] : boxesIn(stsd.subarray(8));
  if (entry === undefined || (handler !== "vide" && handler !== "soun")) return undefined;
  const isVideo = handler === "vide";
  return { isVideo, codec: codecOf(entry, isVideo ? VIDEO_ENTRY_BYTES : AUDIO_ENTRY_BYTES) };
}

function codecOf({ type, body }: Box, entryBytes: number): string {
  const boxes = boxesIn(body.subarray(entryBytes));
  const box = (name: string) => boxes.find((one) => one.type === name)?.body;
  const [avcC, hvcC, av1C, vpcC, esds] = ["avcC", "hvcC", "av1C", "vpcC", "esds"].map(box);
  if (avcC !== undefined) return `${type}.${[1, 2, 3].map((at) => hex(u8(avcC, at))).join("")}`;
  if (hvcC !== undefined) return `${type}.${hevc(hvcC)}`;
  if (av1C !== undefined) return `${type}.${av1(av1C)}`;
  if (vpcC !== undefined) return `${type}.${[u8(vpcC, 4), u8(vpcC, 5), u8(vpcC, 6) >> 4].map(twoDigits).join(".")}`;
  if (esds !== undefined) return `${type}${mpeg4(esds)}`;
  return NAMES[type] ?? type.trim();
}

/** ISO 14496-15, annex E.3. */
function hevc(hvcC: Uint8Array): string {
  const first = u8(hvcC, 1);
  const space = ["", "A", "B", "C"][first >> 6] ?? "";
  const constraints = [6, 7, 8, 9, 10, 11].map((at) => u8(hvcC, at));
  while (constraints.length > 0 && constraints.at(-1) === 0) constraints.pop();
  const parts = [`${space}${first & 0x1f}`, reversed(u32(hvcC, 2)).toString(16)];
  parts.push(`${(first & 0x20) === 0 ? "L" : "H"}${u8(hvcC, 12)}`);
  return [...parts, ...constraints.map((byte) => byte.toString(16).toUpperCase())].join(".");
}

function av1(av1C: Uint8Array): string {
  const [first, second] = [u8(av1C, 1), u8(av1C, 2)];
  const bits = (second & 0x40) === 0 ? 8 : (second & 0x20) === 0 ? 10 : 12;
  return `${first >> 5}.${twoDigits(first & 0x1f)}${(second & 0x80) === 0 ? "M" : "H"}.${twoDigits(bits)}`;
}

/** `.40.2` and the like: the object type, and for MPEG-4 audio its own (ISO 14496-1, 7.2.6.5; ISO 14496-3, 1.6.2.1). */
function mpeg4(esds: Uint8Array): string {
  const stream = descriptor(esds, 4, 0x03);
  if (stream === undefined) return "";
  const flags = u8(esds, stream + 2);
  const optional = ((flags & 0x80) === 0 ? 0 : 2) + ((flags & 0x20) === 0 ? 0 : 2);
  const decoder = (flags & 0x40) === 0 ? descriptor(esds, stream + 3 + optional, 0x04) : undefined;
  if (decoder === undefined) return "";
  const objectType = u8(esds, decoder);
  const specific = objectType === 0x40 ? descriptor(esds, decoder + 13, 0x05) : undefined;
  if (specific === undefined) return `.${hex(objectType)}`;
  const [first, second] = [u8(esds, specific), u8(esds, specific + 1)];
  const audio = first >> 3 === 31 ? 32 + (((first & 7) << 3) | (second >> 5)) : first >> 3;
  return `.40.${audio}`;
}

/** The position at which the content of the descriptor at `at` begins, if it has this tag. */
function descriptor(bytes: Uint8Array, at: number, tag: number): number | undefined {
  if (at >= bytes.length || u8(bytes, at) !== tag) return undefined;
  let content = at + 1;
  while (content < at + 4 && content < bytes.length && (u8(bytes, content) & 0x80) !== 0) content++;
  return content + 1 < bytes.length ? content + 1 : undefined;
}

function reversed(bits: number): number {
  let result = 0;
  for (let bit = 0; bit < 32; bit++) result = (result << 1) | ((bits >>> bit) & 1);
  return result >>> 0;
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, "0");
}

function twoDigits(number: number): string {
  return String(number).padStart(2, "0");
}
