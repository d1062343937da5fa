// Recordings over HTTP: list, describe, download, delete.
import { Hono } from "hono";
import type { SegmentsPage } from "../protocol/recording.ts";
import { answerPart, type Part } from "./byte-range.ts";
import { grants } from "./core/authorize.ts";
import { recorderId } from "./core/recorder-id.ts";
import type { RecordingSpan } from "./core/recording-view.ts";
import type { SegmentRow } from "./core/segment-row.ts";
import { authorize } from "./credential.ts";
import type { AppEnv } from "./env.ts";
import { recorderOf } from "./objects.ts";
import { playlistUrl, segmentUrls } from "./playback-urls.ts";
import { Problem, unwrap } from "./problem.ts";
import { admitted, type Found, numberOf, openTrack, placeOf } from "./recording-access.ts";
import { roomOf } from "./room-stub.ts";
import { roomParam } from "./rooms-api.ts";

/** Segments of one answer; with their frames, each takes some kilobytes. */
const MAX_SEGMENTS = 500;
const MAX_SEGMENTS_WITH_FRAMES = 20;

/** Rows that are requested at once during a download. */
const ROWS = 200;

/** A client fetches listed segments soon. */
const SEGMENT_TTL_SECONDS = 600;

export const recordingsApi = new Hono<AppEnv>()
  .get("/:room/recordings", async (c) => {
    const room = roomParam(c.req.param("room"));
    const { grant, tracks } = await admitted(c, room);
    const recordings = await Promise.all(
      tracks.map(async (track) => {
        const { kind, ...summary } = await recorderOf(c.env, recorderId({ room, track })).summary();
        // The operator's key is not a token: a URL made with it could never be revoked.
        const isPlayable = kind !== "other" && (grant.who.jti !== null || !grants(grant, "admin"));
        const playlist = !isPlayable ? null : await playlistUrl(c.req.url, c.get("config"), room, track, grant);
        return { track, ...summary, playlist };
      }),
    );
    return c.json({
      room,
      recordings: recordings.filter(({ segments, gaps, isLive }) => segments + gaps > 0 || isLive),
    });
  })
  .delete("/:room/recordings", async (c) => {
    const room = roomParam(c.req.param("room"));
    const { who } = await authorize(c.req.raw, c.get("config"), room, "admin");
    unwrap(await roomOf(c.env, room).eraseRecordings(who, null));
    return c.body(null, 204);
  })
  .delete("/:room/tracks/:track/recording", async (c) => {
    const room = roomParam(c.req.param("room"));
    const { who } = await authorize(c.req.raw, c.get("config"), room, "admin");
    unwrap(await roomOf(c.env, room).eraseRecordings(who, c.req.param("track")));
    return c.body(null, 204);
  })
  .get("/:room/tracks/:track/segments", async (c) => {
    const found = await openTrack(c);
    const { from, after, to, limit, frames } = c.req.query();
    const most = frames === "1" ? MAX_SEGMENTS_WITH_FRAMES : MAX_SEGMENTS;
    const page = await found.recorder.page({
      from: placeOf(from, "from"),
      after: numberOf(after, "after", 0, Number.MAX_SAFE_INTEGER) ?? null,
      to: placeOf(to, "to"),
      limit: numberOf(limit, "limit", 1, most) ?? most,
      frames: frames === "1",
    });
    const urls = await segmentUrls(found, c.get("config"), SEGMENT_TTL_SECONDS, found.grant);
    const answer: SegmentsPage = {
      now: Date.now(),
      segments: page.segments.map((segment) => told(segment, urls, frames === "1")),
      gaps: page.gaps,
      isLive: page.isLive,
      next: page.hasMore ? (page.segments.at(-1)?.id ?? null) : null,
    };
    return c.json(answer);
  })
  .get("/:room/tracks/:track/recording", async (c) => {
    const found = await openTrack(c);
    const { from, to } = c.req.query();
    const span = await found.recorder.span({ from: placeOf(from, "from"), to: placeOf(to, "to") });
    if (span === undefined) throw new Problem("recording_not_found", "nothing was recorded in this range");
    return download(c.req.raw, found, span);
  });

/** A segment in the form for clients. */
function told(segment: SegmentRow, urls: Awaited<ReturnType<typeof segmentUrls>>, withFrames: boolean) {
  const { name, init, frames, kind, offset, ordinal, breaks, startsGroup, ...rest } = segment;
  return {
    ...rest,
    init: init && { url: urls.init(init.name, init.bytes), bytes: init.bytes },
    url: urls.raw(segment),
    ...(withFrames && { frames }),
  };
}

/** All bytes of the span, concatenated; a header lists the gaps between them. */
function download(request: Request, found: Found, span: RecordingSpan): Response {
  const { first, last, start, end, gaps } = span;
  const type = /^[\w.+-]+\/[\w.+-]+/.exec(first.format ?? "")?.[0] ?? "application/octet-stream";
  const headers = new Headers({
    "content-type": type,
    "content-disposition": `attachment; filename="${found.room}-${found.track}.${extensionOf(first)}"`,
    "x-content-type-options": "nosniff",
    "access-control-expose-headers": "roomcast-gaps, content-location, content-range",
    // A client that resumes it later requests the same bytes.
    "content-location": `${found.path}/recording?from=${first.epoch}.${first.first}&to=${last.epoch}.${last.next - 1}`,
    "roomcast-gaps": gaps.map(({ epoch, from, to, reason }) => `${epoch}.${from}-${to ?? ""} ${reason}`).join(", "),
    etag: `"${first.id}-${last.id}"`,
  });
  return answerPart(request, end - start, headers, (part, into) => pour(found, start, part, into));
}

async function pour(found: Found, start: number, part: Part, into: WritableStream<Uint8Array>): Promise<void> {
  const { recorder, store, prefix } = found;
  const [from, end] = [start + part.start, start + part.end];
  let after = ((await recorder.idAtOffset(from)) ?? 0) - 1;
  for (;;) {
    const page = await recorder.page({ from: null, to: null, after, limit: ROWS, frames: false });
    for (const { id, name, offset, bytes } of page.segments) {
      if (offset >= end) return;
      const skipped = Math.max(0, from - offset);
      const length = Math.min(end - offset, bytes) - skipped;
      after = id;
      if (length <= 0) continue;
      const body = await store.get(prefix + name, { offset: skipped, length });
      if (body === undefined) throw new Error("it has been deleted meanwhile");
      await body.pipeTo(into, { preventClose: true });
    }
    if (page.segments.length === 0) return;
  }
}

function extensionOf({ kind }: SegmentRow): string {
  return { mpegts: "ts", fmp4: "mp4", other: "bin" }[kind];
}
