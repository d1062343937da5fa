// The row of a room's journal: the reported state, unreported events, and usage.
import { listOf, number, text, whole } from "./checked.ts";
import { parseEvent, parseState, type RoomEvent, type RoomState } from "./events.ts";
import type { KeyValueStore } from "./key-value-store.ts";
import { readRow, writeRow } from "./stored-row.ts";
import { parseUsage, type Usage } from "./usage.ts";

const JOURNAL = "journal";

/** Times are ms since 1970. */
export interface JournalRow {
  readonly room: string;
  readonly createdAt: number;
  /** The number of the newest event. */
  readonly number: number;
  readonly state: RoomState;
  /** The reported settings, as JSON. */
  readonly settings: string;
  readonly usage: Usage;
  readonly usageAt: number;
  /** When the room's state last went to the queue, or to the index itself; 0: the row is older than this field. */
  readonly toldAt: number;
  /** Events that the queue has not accepted yet. */
  readonly outbox: readonly RoomEvent[];
}

/** undefined: the row is missing or unreadable. The room is then reported anew. */
export function readJournal(kv: KeyValueStore): JournalRow | undefined {
  const row = readRow(kv, JOURNAL, (fields) => ({
    room: text(fields.room),
    createdAt: number(fields.createdAt),
    number: whole(fields.number),
    state: parseState(fields.state),
    settings: text(fields.settings),
    usage: parseUsage(fields.usage),
    usageAt: number(fields.usageAt),
    toldAt: number(fields.toldAt ?? 0),
    outbox: listOf(parseEvent)(fields.outbox),
  }));
  return row.is === "read" ? row.value : undefined;
}

export function writeJournal(kv: KeyValueStore, row: JournalRow): void {
  writeRow(kv, JOURNAL, row);
}

export function forgetJournal(kv: KeyValueStore): void {
  kv.delete(JOURNAL);
}
