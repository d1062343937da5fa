// A recording for players: its HLS playlist, and its segments, with URLs that need no token.
import { type Context, Hono } from "hono";
import * as z from "zod/mini";
import { answerPart, type Part, partOf } from "./byte-range.ts";
import type { Who } from "./core/attachment.ts";
import { playlistOf } from "./core/playlist.ts";
import { parseObjectName } from "./core/recorder-id.ts";
import type { SegmentRow } from "./core/segment-row.ts";
import type { AppEnv } from "./env.ts";
import type { ByteRange } from "./object-store.ts";
import { segmentsScope, segmentUrls, WHO } from "./playback-urls.ts";
import { Problem, unwrap } from "./problem.ts";
import { type Found, numberOf, openTrack, placeOf, trackOf } from "./recording-access.ts";
import { roomOf } from "./room-stub.ts";
import { checkSigned, isSigned, scopeOf } from "./signed-url.ts";

/**
 * Segments of a playlist: eleven hours at four seconds. For a longer recording, it has the newest, or those between
 * `from` and `to`.
 */
const MAX_ENTRIES = 10_000;
const ROWS = 2000;

/** A player requests the playlist once, and its last segment hours later. */
const TTL_SECONDS = 6 * 3600;
const MAX_TTL_SECONDS = 24 * 3600;

/** A segment never changes. */
const CACHING = "private, max-age=31536000, immutable";

const TYPES: Readonly<Record<string, string>> = { ts: "video/mp2t", m4s: "video/mp4", mp4: "video/mp4" };

/** The owner of the token behind a signed playlist. */
const whoShape = z.object({
  subject: z.optional(z.string()),
  jti: z.nullable(z.string()),
  issuedAt: z.number(),
  expiresAt: z.nullable(z.number()),
  ancestors: z.optional(z.array(z.object({ jti: z.string(), subject: z.optional(z.string()), issuedAt: z.number() }))),
});

export const playbackApi = new Hono<AppEnv>()
  .get("/:room/tracks/:track/index.m3u8", async (c) => {
    const { from, to, ttl } = c.req.query();
    const found = await viewed(c);
    const seconds = numberOf(ttl, "ttl", 1, MAX_TTL_SECONDS) ?? TTL_SECONDS;
    const { segments, isLive } = await segmentsOf(found, from, to);
    const kind = segments.at(-1)?.kind;
    if (kind === undefined) throw new Problem("recording_not_found", "nothing was recorded in this range");
    if (kind === "other")
      throw new Problem("not_playable", "only MPEG-TS and fMP4 have playlists: download the recording instead");
    const urls = await segmentUrls(found, c.get("config"), seconds, found);
    const entries = segments
      .filter((segment) => segment.kind === kind)
      .map((segment) => ({
        segment,
        url: urls.playable(segment),
        map: kind === "fmp4" && segment.init !== null ? urls.init(segment.init.name, segment.init.bytes) : undefined,
      }));
    return c.body(playlistOf(entries, isLive), 200, { "content-type": "application/vnd.apple.mpegurl" });
  })
  .get("/:room/tracks/:track/segments/:file", async (c) => {
    const found = trackOf(c);
    await checkSignature(c, segmentsScope(found));
    const [, name = "", ending = ""] = /^(.+)\.(ts|m4s|mp4|bin)$/.exec(c.req.param("file")) ?? [];
    if (parseObjectName(name) === undefined) throw new Problem("recording_not_found", "there is no such segment");
    const { bytes = "", skip, lead, leadBytes } = c.req.query();
    const skipped = skip === undefined ? 0 : sizeOf(skip, "skip");
    const piece = { name, offset: skipped, length: Math.max(0, sizeOf(bytes, "bytes") - skipped) };
    if (lead !== undefined && parseObjectName(lead) === undefined)
      throw new Problem("invalid_request", "lead: no object");
    const leading = lead === undefined ? [] : [{ name: lead, offset: 0, length: sizeOf(leadBytes, "leadBytes") }];
    const type = TYPES[ending] ?? "application/octet-stream";
    return answerPieces(c.req.raw, found, [...leading, piece], type);
  });

/** A part of an answer: an object from `offset` on. */
interface Piece extends ByteRange {
  readonly name: string;
}

async function answerPieces(request: Request, found: Found, pieces: readonly Piece[], type: string): Promise<Response> {
  const { store, prefix } = found;
  const size = pieces.reduce((sum, { length }) => sum + length, 0);
  const part = partOf(request.headers.get("range"), size) ?? { start: 0, end: size };
  const [first, ...rest] = part === "beyond" ? [] : cutTo(pieces, part);
  // If the data is gone, the client learns it before the answer begins.
  const begin = first && (await store.get(prefix + first.name, first));
  if (first !== undefined && begin === undefined) throw new Problem("recording_not_found", "the segment was deleted");
  const headers = new Headers({ "content-type": type, "cache-control": CACHING });
  return answerPart(request, size, headers, async (_, into) => {
    await begin?.pipeTo(into, { preventClose: true });
    for (const piece of rest) {
      const body = await store.get(prefix + piece.name, piece);
      if (body === undefined) throw new Error("it has been deleted meanwhile");
      await body.pipeTo(into, { preventClose: true });
    }
  });
}

/** The pieces, cut to the requested part. */
function cutTo(pieces: readonly Piece[], { start, end }: Part): Piece[] {
  let at = 0;
  return pieces.flatMap(({ name, offset, length }) => {
    const [from, to] = [Math.max(0, start - at), Math.min(length, end - at)];
    at += length;
    return from < to ? [{ name, offset: offset + from, length: to - from }] : [];
  });
}

/** The track, for a client with a token or a signed URL; `who`: the expiry. */
async function viewed(c: Context<AppEnv>): Promise<Found & { readonly who: Who }> {
  const url = new URL(c.req.url);
  if (!isSigned(url)) {
    const found = await openTrack(c);
    return { ...found, who: found.grant.who };
  }
  const found = trackOf(c);
  await checkSignature(c, scopeOf(url));
  const who = z.parse(whoShape, JSON.parse(url.searchParams.get(WHO) ?? "")) as Who;
  const refused = await (who.jti === null
    ? roomOf(c.env, found.room).recordings({ by: "none" })
    : roomOf(c.env, found.room).admit(who));
  unwrap(refused ?? true);
  return { ...found, who };
}

async function checkSignature(c: Context<AppEnv>, scope: string): Promise<void> {
  const { secrets } = c.get("config");
  const is = await checkSigned(new URL(c.req.url), scope, secrets, Date.now());
  if (is !== "open")
    throw new Problem("unauthorized", is === "expired" ? "the URL has expired" : "the URL is not signed");
}

async function segmentsOf({ recorder }: Found, from: string | undefined, to: string | undefined) {
  const begin = placeOf(from, "from");
  const end = placeOf(to, "to");
  const span = await recorder.span({ from: begin, to: end });
  const segments: SegmentRow[] = [];
  if (span === undefined) return { segments, isLive: false };
  let after = Math.max(span.first.id - 1, span.last.id - MAX_ENTRIES);
  for (;;) {
    const page = await recorder.page({ from: null, after, to: end, limit: ROWS, frames: false });
    segments.push(...page.segments);
    after = page.segments.at(-1)?.id ?? after;
    if (!page.hasMore) return { segments, isLive: page.isLive };
  }
}

function sizeOf(text: string | undefined, name: string): number {
  return numberOf(text ?? "", name, 0, 64 * 1024 * 1024) ?? 0;
}
