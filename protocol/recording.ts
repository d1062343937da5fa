// The description of a recording's segments (section A): the same shapes for the Worker that answers and the client
// that reads.
import { Flag } from "./frame.ts";
import { MAX_PAYLOAD_BYTES } from "./limits.ts";
import { isTrackName } from "./names.ts";
import { integer, listOf, object, oneOf, orNull, type Shaped, text, truth } from "./shape.ts";

/** One frame of a segment, from its header. */
export interface RecordedFrame {
  /** Bits of `Flag`. */
  readonly flags: number;
  /** Bytes of its payload. */
  readonly bytes: number;
  /** The publisher's clock, milliseconds since 1970. */
  readonly timestamp: number;
}

const ALL_FLAGS = Flag.init | Flag.key | Flag.discontinuity | Flag.end;

/**
 * Packs frames into numbers: for each frame its flags, its bytes, and its time in ms after the previous frame (the
 * first one: after `beganAt`).
 */
export function packFrames(frames: readonly RecordedFrame[], beganAt: number): number[] {
  const packed: number[] = [];
  let before = beganAt;
  for (const { flags, bytes, timestamp } of frames) {
    packed.push(flags, bytes, timestamp - before);
    before = timestamp;
  }
  return packed;
}

/** Unpacks them; undefined if the numbers are no frames, or not those of a segment of that size. */
export function unpackFrames(packed: readonly number[], beganAt: number, bytes: number): RecordedFrame[] | undefined {
  const frames: RecordedFrame[] = [];
  let timestamp = beganAt;
  let sum = 0;
  for (let index = 0; index < packed.length; index += 3) {
    const [flags = -1, size = -1, later = Number.NaN] = packed.slice(index, index + 3);
    timestamp += later;
    sum += size;
    const isFrame = (flags & ~ALL_FLAGS) === 0 && size >= 0 && size <= MAX_PAYLOAD_BYTES;
    if (!isFrame || !Number.isSafeInteger(timestamp) || timestamp < 0) return undefined;
    frames.push({ flags, bytes: size, timestamp });
  }
  return sum === bytes ? frames : undefined;
}

const count = integer(0);
const epoch = text((one) => /^[a-z0-9]{1,32}$/.test(one));

/** The init that applies to a segment. It is missing if none is known, or if MPEG-TS begins with it. */
const init = object({ url: text(), bytes: count });

/** A segment: frames `first` to `next` - 1 of one epoch, in one object. Times are ms since 1970. */
export const segmentShape = object(
  {
    id: count,
    epoch,
    first: count,
    next: count,
    bytes: count,
    sha256: text((one) => /^[0-9a-f]{64}$/.test(one)),
    /** By the publisher's clock: the time of its first frame, and the beginning of the next frame. */
    beganAt: count,
    endedAt: count,
    /** By the room's clock: the times at which its first and its last frame arrived. */
    receivedAt: count,
    receivedUntil: count,
    /** The first sequence of each group. */
    keys: listOf(count),
    /** The number of leading bytes that are init. */
    leadingInitBytes: count,
    /** The segment does not continue at the end of the previous segment. */
    discontinuity: truth,
    format: orNull(text()),
    init: orNull(init),
    /** The URL opens the segment for a limited time without a token. */
    url: text(),
  },
  { frames: listOf(integer(Number.MIN_SAFE_INTEGER)) },
);
/** A segment as a recording describes it. */
export type RecordedSegment = Shaped<typeof segmentShape>;

/** Reasons why a recording lacks frames: those of a subscriber's gap (S2), or `store`: the frames could not be kept. */
export const RECORDED_GAP_REASONS = ["lagged", "history", "epoch", "ingest", "relay", "unknown", "store"] as const;
/** One of these reasons. */
export type RecordedGapReason = (typeof RECORDED_GAP_REASONS)[number];

/** Missing frames; `to` null: up to the end of that epoch. `at`: when the gap was found, ms since 1970. */
export const gapShape = object({
  id: count,
  epoch,
  from: count,
  to: orNull(count),
  reason: oneOf(RECORDED_GAP_REASONS),
  at: count,
});
/** One gap of a recording. */
export type RecordedGap = Shaped<typeof gapShape>;

/** The tracks of a room that have a recording. */
export const recordingsShape = object({
  recordings: listOf(object({ track: text(isTrackName), segments: count, isLive: truth, from: orNull(count) })),
});

/**
 * A page of the segments of a track, and of the gaps between them. `next` is `after` of the next page; null: there is
 * none yet.
 */
export const segmentsShape = object({
  /** The room's clock. */
  now: count,
  segments: listOf(segmentShape),
  gaps: listOf(gapShape),
  /** Frames are still being recorded. */
  isLive: truth,
  next: orNull(count),
});
/** The answer of `.../segments`. */
export type SegmentsPage = Shaped<typeof segmentsShape>;
