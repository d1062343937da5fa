// Playlists of recordings, line by line.
import { expect, test } from "vitest";
import { playlistOf } from "../../../worker/core/playlist.ts";
import type { SegmentRow } from "../../../worker/core/segment-row.ts";

const AT = Date.UTC(2026, 10, 1, 12, 0, 0);

/** Consecutive segments of 4 s each. */
function segment(index: number, fields: Partial<SegmentRow> = {}): SegmentRow {
  return {
    ...{ id: index + 1, name: `n${index}`, epoch: "e", first: index * 100, next: index * 100 + 100, bytes: 1000 },
    ...{ offset: index * 1000, ordinal: index + 1, breaks: 1, sha256: "", leadingInitBytes: 0, startsGroup: true },
    ...{ beganAt: AT + index * 4000, endedAt: AT + index * 4000 + 4000, receivedAt: 0, receivedUntil: 0 },
    ...{ discontinuity: index === 0, format: null, kind: "mpegts", init: null, frames: [], keys: [] },
    ...fields,
  };
}

const entry = (index: number, fields?: Partial<SegmentRow>, map?: string) => ({
  segment: segment(index, fields),
  url: `/s/${index}.ts`,
  map,
});

test("A8 while it grows it is an event, afterwards on demand", () => {
  const entries = [entry(0), entry(1, { endedAt: AT + 9600 })];
  const lines = [
    "#EXTM3U",
    "#EXT-X-VERSION:3",
    "#EXT-X-TARGETDURATION:6",
    "#EXT-X-PLAYLIST-TYPE:EVENT",
    "#EXT-X-MEDIA-SEQUENCE:0",
    "#EXT-X-DISCONTINUITY-SEQUENCE:1",
    "#EXT-X-INDEPENDENT-SEGMENTS",
    "#EXT-X-PROGRAM-DATE-TIME:2026-11-01T12:00:00.000Z",
    "#EXTINF:4.000,",
    "/s/0.ts",
    "#EXT-X-PROGRAM-DATE-TIME:2026-11-01T12:00:04.000Z",
    "#EXTINF:5.600,",
    "/s/1.ts",
  ];
  expect(playlistOf(entries, true).split("\n")).toEqual([...lines, ""]);
  const over = playlistOf(entries, false);
  expect(over).toContain("#EXT-X-PLAYLIST-TYPE:VOD");
  expect(over.endsWith("/s/1.ts\n#EXT-X-ENDLIST\n")).toBe(true);
});

test("A8 breaks are marked, numbers continue after deleted segments, and an init precedes segments that need it", () => {
  const entries = [
    entry(7, { discontinuity: true, breaks: 3 }, "/i/1.mp4"),
    entry(8, { breaks: 3 }, "/i/1.mp4"),
    entry(9, { discontinuity: true, breaks: 4, startsGroup: false }, "/i/1.mp4"),
    entry(10, { breaks: 4 }, "/i/2.mp4"),
  ];
  const text = playlistOf(entries, true).replace(/^#EXT-X-PROGRAM.*\n/gm, "");
  expect(text).toContain("#EXT-X-VERSION:7\n");
  expect(text).toContain("#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-DISCONTINUITY-SEQUENCE:3\n#EXT-X-MAP");
  expect(text.slice(text.indexOf("#EXT-X-MAP"))).toBe(
    [
      '#EXT-X-MAP:URI="/i/1.mp4"\n#EXTINF:4.000,\n/s/7.ts',
      "#EXTINF:4.000,\n/s/8.ts",
      '#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI="/i/1.mp4"\n#EXTINF:4.000,\n/s/9.ts',
      '#EXT-X-MAP:URI="/i/2.mp4"\n#EXTINF:4.000,\n/s/10.ts\n',
    ].join("\n"),
  );
});
