// The index of one recording: a row for each segment, each init, each gap, and each object that still has to be
// deleted.
import { MAX_SEQUENCE } from "../../protocol/limits.ts";
import type { Position } from "../../protocol/position.ts";
import { packFrames, type RecordedGap, type RecordedGapReason } from "../../protocol/recording.ts";
import type { Cut } from "./cutter.ts";
import { Doomed } from "./doomed.ts";
import type { RecordingKind } from "./recording-kind.ts";
import { ALL, ENTRIES, SEGMENTS, TABLES } from "./recording-tables.ts";
import { type SegmentRow, segmentOf } from "./segment-row.ts";
import type { Sql, Value } from "./sql.ts";

/** The contents of the recording, in numbers. */
export interface RecordingTotals {
  readonly segments: number;
  readonly bytes: number;
  readonly gaps: number;
  readonly inits: number;
}

/** Missing frames. */
export type NewGap = Omit<RecordedGap, "id" | "reason"> & { readonly reason: RecordedGapReason };

/** Rows of one track. Ids of segments and gaps increase together, which gives their order. */
export class RecordingRows {
  readonly doomed: Doomed;
  readonly #sql: Sql;
  #nextId: number;
  /** Bytes of all segments that ever existed. */
  #total: number;
  /**
   * The number of segments that ever existed, and the number of them that did not continue at the end of the previous
   * one.
   */
  #ordinal: number;
  #breaks: number;
  /** Bytes of deleted segments. */
  #gone: number;

  constructor(sql: Sql) {
    this.#sql = sql;
    this.doomed = new Doomed(sql);
    for (const statement of TABLES.split(";")) if (statement.trim() !== "") sql.exec(statement);
    const [row] = sql.exec(`
      SELECT (SELECT max(id) FROM segments) AS segment, (SELECT max(id) FROM gaps) AS gap, (SELECT forgotten FROM counter) AS forgotten,
        (SELECT total FROM segments ORDER BY id DESC LIMIT 1) AS total,
        (SELECT ordinal FROM segments ORDER BY id DESC LIMIT 1) AS ordinal,
        (SELECT breaks FROM segments ORDER BY id DESC LIMIT 1) AS breaks,
        (SELECT total - bytes FROM segments ORDER BY id LIMIT 1) AS gone`);
    this.#nextId = Math.max(Number(row?.segment), Number(row?.gap), Number(row?.forgotten)) + 1;
    this.#total = Number(row?.total);
    this.#ordinal = Number(row?.ordinal);
    this.#breaks = Number(row?.breaks);
    this.#gone = Number(row?.gone);
  }

  /** The id of the next entry. */
  get nextId(): number {
    return this.#nextId;
  }

  /** Bytes of all segments. */
  get bytes(): number {
    return this.#total - this.#gone;
  }

  /** Everything that was ever stored. */
  get stored(): { readonly storedSegments: number; readonly storedBytes: number } {
    return { storedSegments: this.#ordinal, storedBytes: this.#total };
  }

  /** The position at which the recording continues; undefined: it is empty. `MAX_SEQUENCE`: its last epoch is over. */
  get position(): Position | undefined {
    const [segment] = this.#sql.exec("SELECT id, epoch, next FROM segments ORDER BY id DESC LIMIT 1");
    const [gap] = this.#sql.exec("SELECT id, epoch, last FROM gaps ORDER BY id DESC LIMIT 1");
    if (gap !== undefined && Number(gap.id) > Number(segment?.id ?? -1)) {
      return { epoch: String(gap.epoch), sequence: gap.last === null ? MAX_SEQUENCE : Number(gap.last) + 1 };
    }
    return segment && { epoch: String(segment.epoch), sequence: Number(segment.next) };
  }

  /** `init`: the id of the row of its init. */
  addSegment(cut: Cut, stored: { name: string; sha256: string; init: number | null; kind: RecordingKind }): void {
    const { epoch, first, next, bytes, beganAt, endedAt, receivedAt, receivedUntil } = cut;
    const id = this.#nextId;
    const total = this.#total + bytes;
    const ordinal = this.#ordinal + 1;
    const breaks = this.#breaks + (cut.discontinuity ? 1 : 0);
    this.#sql.exec(
      "INSERT INTO segments VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      ...[id, stored.name, epoch, first, next, bytes, stored.sha256, beganAt, endedAt, receivedAt, receivedUntil],
      ...[
        cut.leadingInitBytes,
        cut.startsGroup ? 1 : 0,
        cut.discontinuity ? 1 : 0,
        cut.format,
        stored.kind,
        stored.init,
        total,
        ordinal,
        breaks,
      ],
    );
    this.#sql.exec("INSERT INTO frames VALUES (?, ?)", id, JSON.stringify(packFrames(cut.frames, beganAt)));
    this.#nextId++;
    this.#total = total;
    this.#ordinal = ordinal;
    this.#breaks = breaks;
  }

  /** Its id is that of the next segment. */
  addInit(name: string, bytes: number): number {
    this.#sql.exec("INSERT INTO inits VALUES (?, ?, ?)", this.#nextId, name, bytes);
    return this.#nextId;
  }

  addGap({ epoch, from, to, reason, at }: NewGap): void {
    this.#sql.exec("INSERT INTO gaps VALUES (?, ?, ?, ?, ?, ?)", this.#nextId, epoch, from, to, reason, at);
    this.#nextId++;
  }

  /** Segments after `after` in order, at most `limit`. */
  list(after: number, limit: number): SegmentRow[] {
    return Array.from(this.#sql.exec(`${SEGMENTS} WHERE s.id > ? ORDER BY s.id LIMIT ?`, after, limit), segmentOf);
  }

  /** The same without their frames and keys. */
  entries(after: number, limit: number): SegmentRow[] {
    return Array.from(this.#sql.exec(`${ENTRIES} WHERE s.id > ? ORDER BY s.id LIMIT ?`, after, limit), segmentOf);
  }

  hasInit(id: number): boolean {
    return this.#id("SELECT id FROM inits WHERE id = ?", id) !== undefined;
  }

  /** Gaps that were found between two ids, both included. */
  gaps(from: number, to: number): RecordedGap[] {
    const rows = this.#sql.exec("SELECT * FROM gaps WHERE id BETWEEN ? AND ? ORDER BY id", from, to);
    return Array.from(rows, ({ id, epoch, first, last, reason, at }) => ({
      id: Number(id),
      epoch: String(epoch),
      from: Number(first),
      to: last === null ? null : Number(last),
      reason: reason as RecordedGapReason,
      at: Number(at),
    }));
  }

  /** The segment with the position, or else the first one after it in that epoch. */
  idAt({ epoch, sequence }: Position): number | undefined {
    return this.#id("SELECT id FROM segments WHERE epoch = ? AND next > ? ORDER BY id LIMIT 1", epoch, sequence);
  }

  /** The segment with the byte at `offset` of everything that was ever recorded. */
  idAtOffset(offset: number): number | undefined {
    return this.#id("SELECT id FROM segments WHERE total > ? ORDER BY id LIMIT 1", offset);
  }

  /** The last segment with data that the room received before `time`. */
  idBefore(time: number): number | undefined {
    return this.#id("SELECT id FROM segments WHERE receivedAt < ? ORDER BY id DESC LIMIT 1", time);
  }

  /** The first segment with data that the room received at `time` or later. */
  idSince(time: number): number | undefined {
    return this.#id("SELECT id FROM segments WHERE receivedUntil >= ? ORDER BY id LIMIT 1", time);
  }

  /** The end of its oldest entry; undefined: it is empty. */
  get firstAt(): number | undefined {
    const [row] = this.#sql.exec(`${ALL} LIMIT 1`);
    return row && Number(row.at);
  }

  get first(): SegmentRow | undefined {
    return this.entries(0, 1)[0];
  }

  get last(): SegmentRow | undefined {
    const [row] = this.#sql.exec(`${ENTRIES} ORDER BY s.id DESC LIMIT 1`);
    return row && segmentOf(row);
  }

  get totals(): RecordingTotals {
    const [row] = this.#sql.exec(
      "SELECT (SELECT count(*) FROM segments) AS segments, (SELECT count(*) FROM gaps) AS gaps, (SELECT count(*) FROM inits) AS inits",
    );
    return { segments: Number(row?.segments), bytes: this.bytes, gaps: Number(row?.gaps), inits: Number(row?.inits) };
  }

  /** Deletes segments and gaps up to `id`, and marks their objects for deletion. */
  forgetThrough(id: number): void {
    const [row] = this.#sql.exec("SELECT total FROM segments WHERE id <= ? ORDER BY id DESC LIMIT 1", id);
    this.#sql.exec("INSERT OR IGNORE INTO doomed SELECT name FROM segments WHERE id <= ?", id);
    for (const table of ["segments", "frames", "gaps"]) this.#sql.exec(`DELETE FROM ${table} WHERE id <= ?`, id);
    const unused = "FROM inits WHERE id <= ? AND id NOT IN (SELECT init FROM segments WHERE init IS NOT NULL)";
    this.#sql.exec(`INSERT OR IGNORE INTO doomed SELECT name ${unused}`, id);
    this.#sql.exec(`DELETE ${unused}`, id);
    this.doomed.changed();
    this.#gone = Number(row?.total ?? this.#gone);
    // No id is used twice: readers continue after the last id that they have seen.
    this.#sql.exec("INSERT OR REPLACE INTO counter VALUES (1, ?)", this.#nextId - 1);
  }

  /**
   * The last segment or gap to delete, so that the rest has at most `bytes`, and nothing from before `time`; undefined:
   * everything may stay.
   */
  lastBeyond(bytes: number, time: number): number | undefined {
    let left = this.bytes;
    let beyond: number | undefined;
    for (const row of this.#sql.exec(ALL)) {
      if (left <= bytes && Number(row.at) >= time) break;
      left -= Number(row.bytes);
      beyond = Number(row.id);
    }
    return beyond;
  }

  /** True if a row names the object. */
  has(name: string, id: number): boolean {
    const [row] = this.#sql.exec(
      "SELECT 1 AS is_there WHERE EXISTS (SELECT 1 FROM segments WHERE id = ? AND name = ?) OR EXISTS (SELECT 1 FROM inits WHERE id = ? AND name = ?)",
      ...[id, name, id, name],
    );
    return row !== undefined;
  }

  #id(query: string, ...bindings: Value[]): number | undefined {
    const [row] = this.#sql.exec(query, ...bindings);
    return row === undefined || row.id === null ? undefined : Number(row.id);
  }
}
