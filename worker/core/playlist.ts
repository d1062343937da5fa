// The HLS playlist of a recording (RFC 8216): EVENT while it grows, VOD afterwards.
import type { SegmentRow } from "./segment-row.ts";

/** A segment of the playlist: its row, and the URLs for it. */
export interface PlaylistEntry {
  readonly segment: SegmentRow;
  readonly url: string;
  /** The URL of the init, for fMP4. */
  readonly map: string | undefined;
}

/** Players request an unchanged playlist again after half of this. Shorter segments keep their durations. */
const LEAST_TARGET_SECONDS = 4;

/** `isLive`: more segments will follow. */
export function playlistOf(entries: readonly PlaylistEntry[], isLive: boolean): string {
  const [first] = entries;
  const lengths = entries.map(({ segment }) => secondsOf(segment));
  const target = Math.max(LEAST_TARGET_SECONDS, ...lengths.map((seconds) => Math.round(seconds)));
  const lines = [
    "#EXTM3U",
    `#EXT-X-VERSION:${first?.map === undefined ? 3 : 7}`,
    `#EXT-X-TARGETDURATION:${target}`,
    `#EXT-X-PLAYLIST-TYPE:${isLive ? "EVENT" : "VOD"}`,
    `#EXT-X-MEDIA-SEQUENCE:${(first?.segment.ordinal ?? 1) - 1}`,
    `#EXT-X-DISCONTINUITY-SEQUENCE:${first?.segment.breaks ?? 0}`,
    ...(entries.every(({ segment }) => segment.startsGroup) ? ["#EXT-X-INDEPENDENT-SEGMENTS"] : []),
  ];
  let map: string | undefined;
  for (const [index, entry] of entries.entries()) {
    const { segment, url } = entry;
    if (index > 0 && segment.discontinuity) lines.push("#EXT-X-DISCONTINUITY");
    if (entry.map !== undefined && (entry.map !== map || segment.discontinuity)) {
      lines.push(`#EXT-X-MAP:URI="${entry.map}"`);
    }
    map = entry.map;
    lines.push(`#EXT-X-PROGRAM-DATE-TIME:${new Date(segment.beganAt).toISOString()}`);
    lines.push(`#EXTINF:${secondsOf(segment).toFixed(3)},`, url);
  }
  if (!isLive) lines.push("#EXT-X-ENDLIST");
  return `${lines.join("\n")}\n`;
}

/** By the publisher's clock. */
function secondsOf({ beganAt, endedAt }: SegmentRow): number {
  return Math.max(1, endedAt - beganAt) / 1000;
}
