// The state that a recorder needs after a crash in addition to its index: the room's terms, its position, and pending
// work.

import type { Position } from "../../protocol/position.ts";
import { flag, number, orNull, record, text, whole } from "./checked.ts";
import type { KeyValueStore } from "./key-value-store.ts";
import { readRow, writeRow } from "./stored-row.ts";

/** The room's terms for keeping data. */
export interface RecordingTerms {
  readonly keepSeconds: number;
  readonly maxBytes: number;
}

/** The part that the room's events need. */
export interface RecordingStatus {
  /** The track has a source, or something of it is not stored yet. */
  readonly isRecording: boolean;
  /** The bucket refused a segment within the last minutes. */
  readonly isFailing: boolean;
}

/** Times are ms since 1970. */
export interface RecorderState {
  /** null: there is no longer a recording. */
  readonly terms: RecordingTerms | null;
  /** Unstored frames may have arrived. */
  readonly isOpen: boolean;
  /** The track had a source, as of the room's last message. */
  readonly isOnline: boolean;
  /** The position to continue at if the index is empty. */
  readonly after: Position | null;
  /** When to look through the bucket for objects that no row names; null: there can be none. */
  readonly sweepAt: number | null;
  /** The last report that the room got. */
  readonly told: RecordingStatus;
}

const KEY = "recorder";
const NOTHING: RecordingStatus = { isRecording: false, isFailing: false };
const INITIAL: RecorderState = {
  ...{ terms: null, isOpen: false, isOnline: false, after: null, sweepAt: null },
  told: NOTHING,
};

/** If the row is unreadable, the recorder starts as after a crash: it looks through the bucket for leftovers. */
export function readRecorderState(kv: KeyValueStore): RecorderState {
  const row = readRow(kv, KEY, ({ terms, isOpen, isOnline, after, sweepAt, told }) => ({
    terms: orNull(termsOf)(terms),
    isOpen: flag(isOpen),
    isOnline: flag(isOnline),
    after: orNull(positionOf)(after),
    sweepAt: orNull(number)(sweepAt),
    told: told === undefined ? NOTHING : statusOf(told),
  }));
  if (row.is === "absent") return INITIAL;
  return row.is === "read" ? row.value : { ...INITIAL, isOpen: true, sweepAt: 0 };
}

export function writeRecorderState(kv: KeyValueStore, state: RecorderState): void {
  writeRow(kv, KEY, state);
}

function termsOf(value: unknown): RecordingTerms {
  const { keepSeconds, maxBytes } = record(value);
  return { keepSeconds: whole(keepSeconds), maxBytes: whole(maxBytes) };
}

function statusOf(value: unknown): RecordingStatus {
  const { isRecording, isFailing } = record(value);
  return { isRecording: flag(isRecording), isFailing: flag(isFailing) };
}

function positionOf(value: unknown): Position {
  const { epoch, sequence } = record(value);
  return { epoch: text(epoch), sequence: whole(sequence) };
}
