// The URLs of a recording that need no token: of its playlist, and of its segments.
import type { Config } from "./config.ts";
import type { Who } from "./core/attachment.ts";
import type { Grant } from "./core/authorize.ts";
import type { RecordingKind } from "./core/recording-kind.ts";
import type { SegmentRow } from "./core/segment-row.ts";
import type { Found } from "./recording-access.ts";
import { scopeOf, sign, untilOf } from "./signed-url.ts";

/** A player of a recording of some hours requests its playlist once. */
const PLAYLIST_TTL_SECONDS = 6 * 3600;

/** The parameter of a signed playlist that identifies its owner: revoking the token ends the playlist, too. */
export const WHO = "who";

/** Players decide by the extension how to load a file. */
const ENDINGS: Readonly<Record<RecordingKind, string>> = { mpegts: "ts", fmp4: "m4s", other: "bin" };

/** A playlist that any player opens. */
export async function playlistUrl(
  base: string,
  config: Config,
  room: string,
  track: string,
  grant: Grant,
): Promise<string> {
  const url = new URL(`/api/rooms/${room}/tracks/${encodeURIComponent(track)}/index.m3u8`, base);
  const { label, mayMessage, ...who } = grant.who;
  url.searchParams.set(WHO, JSON.stringify(who satisfies Who));
  const until = untilOf(Date.now(), PLAYLIST_TTL_SECONDS, who.expiresAt);
  return `${url}&${await sign(scopeOf(url), until, config.secrets[0])}`;
}

/** The scope of a segment's signature: all segments of the track. */
export function segmentsScope({ path }: Pick<Found, "path">): string {
  return `${path}/segments`;
}

/** The URLs of the segments of a track, as paths. They expire with the token, if there is one. */
export async function segmentUrls(found: Found, config: Config, ttlSeconds: number, { who }: Pick<Grant, "who">) {
  const until = untilOf(Date.now(), ttlSeconds, who.expiresAt);
  const signed = await sign(segmentsScope(found), until, config.secrets[0]);
  const folder = segmentsScope(found);
  return {
    /** The bytes as received. */
    raw: ({ name, kind, bytes }: SegmentRow) => `${folder}/${name}.${ENDINGS[kind]}?bytes=${bytes}&${signed}`,
    /** For a player: MPEG-TS begins with its tables; the init of fMP4 is separate. */
    playable: ({ name, kind, bytes, leadingInitBytes, init }: SegmentRow) => {
      const lead = kind === "mpegts" && init !== null ? `&lead=${init.name}&leadBytes=${init.bytes}` : "";
      const skip = kind === "fmp4" && leadingInitBytes > 0 ? `&skip=${leadingInitBytes}` : "";
      return `${folder}/${name}.${ENDINGS[kind]}?bytes=${bytes}${skip}${lead}&${signed}`;
    },
    init: (name: string, bytes: number) => `${folder}/${name}.mp4?bytes=${bytes}&${signed}`,
  };
}
