// Descriptions of a recording: a summary, or a part of it by time, position or place.
import type { RecordedGap } from "../../protocol/recording.ts";
import type { RecorderCore } from "./recorder.ts";
import type { RecordingKind } from "./recording-kind.ts";
import type { RecordingRows } from "./recording-rows.ts";
import type { SegmentRow } from "./segment-row.ts";

/** Times are ms since 1970, by the room's clock. */
export interface RecordingSummary {
  readonly segments: number;
  readonly bytes: number;
  readonly gaps: number;
  /** Everything that was ever stored, including deleted segments: this determines the cost of puts. */
  readonly storedSegments: number;
  readonly storedBytes: number;
  /** When its first and its last frame arrived; null: it is empty. */
  readonly from: number | null;
  readonly to: number | null;
  readonly format: string | null;
  readonly kind: RecordingKind;
  /** It grows, or may. */
  readonly isLive: boolean;
}

/** A place in a recording. */
export type Place =
  | { readonly by: "time"; readonly time: number }
  | { readonly by: "position"; readonly epoch: string; readonly sequence: number };

/** null: from the beginning, to the end. */
export interface Bounds {
  readonly from: Place | null;
  readonly to: Place | null;
}

/** The requested range: from a place, or after a segment; up to a place. */
export interface Range extends Bounds {
  readonly after: number | null;
  readonly limit: number;
  /** With the frames of each segment. */
  readonly frames: boolean;
}

export interface RecordingPage {
  readonly segments: SegmentRow[];
  readonly gaps: RecordedGap[];
  readonly isLive: boolean;
  /** There are more after the last one. */
  readonly hasMore: boolean;
}

/** Segments `first` to `last` as one sequence of bytes, from `start` to `end` of everything that was ever recorded. */
export interface RecordingSpan {
  readonly first: SegmentRow;
  readonly last: SegmentRow;
  readonly start: number;
  readonly end: number;
  readonly gaps: RecordedGap[];
}

/** Three for each frame: some megabytes of JSON. */
const MAX_PAGE_NUMBERS = 300_000;

/** The number of listed gaps is limited, because they are in a header. */
const MAX_SPAN_GAPS = 50;

export function summaryOf(core: RecorderCore, now: number): RecordingSummary {
  const { rows } = core;
  const { segments, bytes, gaps } = rows.totals;
  const { first, last } = rows;
  return {
    ...{ segments, bytes, gaps, ...rows.stored },
    from: first?.receivedAt ?? null,
    to: last?.receivedUntil ?? null,
    format: last?.format ?? null,
    kind: last?.kind ?? "other",
    isLive: core.isLive(now),
  };
}

export function pageOf(core: RecorderCore, now: number, { from, after, to, limit, frames }: Range): RecordingPage {
  const { rows } = core;
  const begin = after ?? (from === null ? 0 : (idAt(rows, from) ?? Number.MAX_SAFE_INTEGER) - 1);
  const end = to === null ? Number.MAX_SAFE_INTEGER : (endAt(rows, to) ?? 0);
  const found = frames ? rows.list(begin, limit + 1) : rows.entries(begin, limit + 1);
  const within = found.filter(({ id }) => id <= end);
  const segments = within.slice(0, countWithin(within.slice(0, limit)));
  const hasMore = within.length > segments.length;
  const last = hasMore ? (segments.at(-1)?.id ?? begin) : end;
  return { segments, gaps: rows.gaps(begin, last), isLive: core.isLive(now) && to === null, hasMore };
}

/** The number of segments, at least one, whose frames together fit in an answer. */
function countWithin(segments: readonly SegmentRow[]): number {
  let numbers = 0;
  const over = segments.findIndex(({ frames }, index) => {
    numbers += frames.length;
    return index > 0 && numbers > MAX_PAGE_NUMBERS;
  });
  return over < 0 ? segments.length : over;
}

/** undefined: the range is empty. */
export function spanOf({ rows }: RecorderCore, { from, to }: Bounds): RecordingSpan | undefined {
  const firstId = from === null ? rows.first?.id : idAt(rows, from);
  const lastId = to === null ? rows.last?.id : endAt(rows, to);
  if (firstId === undefined || lastId === undefined || firstId > lastId) return undefined;
  const [first] = rows.entries(firstId - 1, 1);
  const [last] = rows.entries(lastId - 1, 1);
  if (first === undefined || last === undefined) return undefined;
  const gaps = rows.gaps(firstId, lastId).slice(0, MAX_SPAN_GAPS);
  return { first, last, start: first.offset, end: last.offset + last.bytes, gaps };
}

function idAt(rows: RecordingRows, place: Place): number | undefined {
  return place.by === "time" ? rows.idSince(place.time) : rows.idAt(place);
}

/** The last segment of a range that ends there. */
function endAt(rows: RecordingRows, place: Place): number | undefined {
  return place.by === "time" ? rows.idBefore(place.time) : rows.idAt(place);
}
