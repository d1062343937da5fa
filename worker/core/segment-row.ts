// One segment in the index of a recording.
import { Flag } from "../../protocol/frame.ts";
import type { RecordingKind } from "./recording-kind.ts";
import type { Row } from "./sql.ts";

/** A stored segment. `init`: the id of a row of inits. Times are ms since 1970. */
export interface SegmentRow {
  readonly id: number;
  readonly name: string;
  readonly epoch: string;
  readonly first: number;
  readonly next: number;
  readonly bytes: number;
  /** Its offset in everything that was ever recorded of the track. */
  readonly offset: number;
  /** The number of segments up to it, and the number of them that did not continue at the end of the previous one. */
  readonly ordinal: number;
  readonly breaks: number;
  readonly sha256: string;
  readonly beganAt: number;
  readonly endedAt: number;
  readonly receivedAt: number;
  readonly receivedUntil: number;
  readonly leadingInitBytes: number;
  /** A group begins after that init. */
  readonly startsGroup: boolean;
  readonly discontinuity: boolean;
  readonly format: string | null;
  readonly kind: RecordingKind;
  readonly init: { readonly name: string; readonly bytes: number } | null;
  /** In the form of `packFrames`. */
  readonly frames: number[];
  readonly keys: number[];
}

/** Reads a row of the table, with the name and the size of its init. */
export function segmentOf(row: Row): SegmentRow {
  const number = (name: string): number => Number(row[name]);
  const first = number("first");
  const frames = JSON.parse(String(row.packed)) as number[];
  const keys: number[] = [];
  for (let index = 0; index * 3 < frames.length; index++) {
    const isKey = ((frames[index * 3] ?? 0) & Flag.key) !== 0;
    if (isKey || first + index === 0) keys.push(first + index);
  }
  return {
    ...{ id: number("id"), name: String(row.name), epoch: String(row.epoch), first, next: number("next") },
    ...{ bytes: number("bytes"), sha256: String(row.sha256), beganAt: number("beganAt"), endedAt: number("endedAt") },
    ...{ receivedAt: number("receivedAt"), receivedUntil: number("receivedUntil") },
    ...{
      leadingInitBytes: number("leadingInitBytes"),
      startsGroup: row.startsGroup === 1,
      discontinuity: row.discontinuity === 1,
    },
    ...{ offset: number("total") - number("bytes"), ordinal: number("ordinal"), breaks: number("breaks") },
    format: row.format === null ? null : String(row.format),
    kind: String(row.kind) as RecordingKind,
    init: row.initName === null ? null : { name: String(row.initName), bytes: number("initBytes") },
    ...{ frames, keys },
  };
}
