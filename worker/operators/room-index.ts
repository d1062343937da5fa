// The index of rooms: written from reports, read by the operators' API. Repeated, late and reordered reports do no harm.
import type { RoomReport } from "../core/journal.ts";
import type { IndexDatabase, IndexStatement } from "./index-database.ts";
import { indexOf } from "./schema.ts";

const MINUTE_MS = 60_000;

/** Rows of one room in the index. Times are ms since 1970. */
export interface IndexRow {
  readonly room: string;
  readonly created_at: number;
  readonly number: number;
  readonly at: number;
  readonly status: "open" | "closed" | "expired";
  readonly state: string;
  readonly usage: string;
  readonly recent: string;
  readonly recent_ms: number;
}

/** Of two reports, the later creation wins, then the higher number, then the later time. */
const IS_NEWER = "(excluded.created_at, excluded.number, excluded.at) > (rooms.created_at, rooms.number, rooms.at)";

const UPSERT_ROOM = `INSERT INTO rooms (room, created_at, number, at, status, state, usage, recent, recent_ms)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (room) DO UPDATE SET created_at = excluded.created_at, number = excluded.number,
  at = excluded.at, status = excluded.status, state = excluded.state, usage = excluded.usage, recent = excluded.recent,
  recent_ms = excluded.recent_ms WHERE ${IS_NEWER}`;

/** Usage is a sum since the room's creation, so the last report of a day gives the usage up to its end. */
const UPSERT_USAGE = `INSERT INTO usage (room, created_at, day, at, usage) VALUES (?, ?, ?, ?, ?)
  ON CONFLICT (room, created_at, day) DO UPDATE SET at = excluded.at, usage = excluded.usage WHERE excluded.at > usage.at`;

const UPSERT_SAMPLE = `INSERT INTO samples (room, minute, subscribers, bytes_per_second) VALUES (?, ?, ?, ?)
  ON CONFLICT (room, minute) DO UPDATE SET subscribers = excluded.subscribers, bytes_per_second = excluded.bytes_per_second`;

/** The statements that write a report into the index. */
export function statementsFor(index: IndexDatabase, report: RoomReport): IndexStatement[] {
  const { room, createdAt, number, at, state, recentMs } = report;
  const usage = JSON.stringify(report.usage);
  const recent = JSON.stringify(report.recent);
  const isOnline = state.sources.some(({ online }) => online);
  const bytesPerSecond = isOnline ? Math.round((report.recent.bytesIn / recentMs) * 1000) : 0;
  const minute = Math.floor(at / MINUTE_MS) * MINUTE_MS;
  const row = [room, createdAt, number, at, state.state, JSON.stringify(state), usage, recent, Math.round(recentMs)];
  return [
    index.prepare(UPSERT_ROOM).bind(...row),
    index.prepare(UPSERT_USAGE).bind(room, createdAt, dayOf(at), at, usage),
    index.prepare(UPSERT_SAMPLE).bind(room, minute, state.subscribers, bytesPerSecond),
  ];
}

/** An open room in the index. */
type OpenRoom = Pick<IndexRow, "room" | "created_at">;

/** Open rooms that have not reported since `before`. */
export async function silentRooms(index: IndexDatabase, before: number, limit: number): Promise<OpenRoom[]> {
  const text = "SELECT room, created_at FROM rooms WHERE status = 'open' AND at < ? ORDER BY at LIMIT ?";
  const { results } = await index.prepare(text).bind(before, limit).all<OpenRoom>();
  return results;
}

/** The room no longer exists, but never reported it. */
export function gone(index: IndexDatabase, { room, created_at }: OpenRoom, now: number): IndexStatement {
  const text = `UPDATE rooms SET status = 'closed', at = ?, state = json_set(state, '$.state', 'closed', '$.subscribers', 0,
    '$.publishers', 0, '$.sources', json('[]'), '$.relays', json('[]')) WHERE room = ? AND created_at = ? AND status = 'open'`;
  return index.prepare(text).bind(now, room, created_at);
}

/** The day of a time in UTC, as YYYY-MM-DD. */
export function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

/** The requested rooms. */
export interface RoomQuery {
  readonly status: IndexRow["status"] | undefined;
  /** Only live rooms, which have a source. */
  readonly isLive: boolean;
  /** A part of the id or of the title. */
  readonly text: string | undefined;
  readonly after: string;
  readonly limit: number;
}

/** Rooms by their ids, after `after`. */
export async function listRooms(database: IndexDatabase, query: RoomQuery): Promise<IndexRow[]> {
  const index = await indexOf(database);
  const conditions = ["room > ?"];
  const values: (string | number)[] = [query.after];
  if (query.status !== undefined) {
    conditions.push("status = ?");
    values.push(query.status);
  }
  if (query.isLive) {
    conditions.push(
      "status = 'open' AND EXISTS (SELECT 1 FROM json_each(state, '$.sources') WHERE value ->> '$.online')",
    );
  }
  if (query.text !== undefined) {
    conditions.push("(instr(lower(room), ?) > 0 OR instr(lower(state ->> '$.title'), ?) > 0)");
    values.push(query.text.toLowerCase(), query.text.toLowerCase());
  }
  const text = `SELECT * FROM rooms WHERE ${conditions.join(" AND ")} ORDER BY room LIMIT ?`;
  const { results } = await index
    .prepare(text)
    .bind(...values, query.limit)
    .all<IndexRow>();
  return results;
}

export interface Sample {
  readonly room: string;
  readonly minute: number;
  readonly subscribers: number;
  readonly bytes_per_second: number;
}

/** The last hour of a room, or, without one, of all rooms together, by minutes. */
export async function samplesOf(database: IndexDatabase, room: string | undefined, now: number): Promise<Sample[]> {
  const index = await indexOf(database);
  const of = room === undefined ? "" : "AND room = ?";
  const text = `SELECT minute, SUM(subscribers) AS subscribers, SUM(bytes_per_second) AS bytes_per_second FROM samples
    WHERE minute >= ? ${of} GROUP BY minute ORDER BY minute`;
  const values = [now - 60 * MINUTE_MS, ...(room === undefined ? [] : [room])];
  const { results } = await index
    .prepare(text)
    .bind(...values)
    .all<Sample>();
  return results;
}

export interface UsageRow {
  readonly room: string;
  readonly created_at: number;
  readonly day: string;
  readonly usage: string;
  /** Of the previous day with data; null: there is none. */
  readonly before: string | null;
}

/** The requested usage: days from `from` to `to`, after the position `after`. */
export interface UsageQuery {
  readonly from: string;
  readonly to: string;
  readonly room: string | undefined;
  readonly after: readonly [day: string, room: string, createdAt: number];
  readonly limit: number;
}

export async function listUsage(database: IndexDatabase, query: UsageQuery): Promise<UsageRow[]> {
  const index = await indexOf(database);
  const of = query.room === undefined ? "" : "WHERE room = ?";
  const text = `SELECT * FROM (SELECT room, created_at, day, usage, LAG(usage) OVER (PARTITION BY room, created_at ORDER BY day) AS before
    FROM usage ${of}) WHERE day BETWEEN ? AND ? AND (day, room, created_at) > (?, ?, ?) ORDER BY day, room, created_at LIMIT ?`;
  const values = [...(query.room === undefined ? [] : [query.room]), query.from, query.to, ...query.after, query.limit];
  const { results } = await index
    .prepare(text)
    .bind(...values)
    .all<UsageRow>();
  return results;
}
