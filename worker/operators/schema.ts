// The tables of the index: rooms, their usage, and their deliveries. They are created if they are missing.
import type { IndexDatabase } from "./index-database.ts";

/** The version of the tables. A later version adds statements that migrate existing ones. */
const VERSION = 1;

/** Times are ms since 1970; `state`, `usage` and `recent` are JSON. */
export const TABLES = [
  `CREATE TABLE IF NOT EXISTS versions (version INTEGER PRIMARY KEY)`,
  `CREATE TABLE IF NOT EXISTS rooms (
    room TEXT PRIMARY KEY, created_at INTEGER NOT NULL, number INTEGER NOT NULL, at INTEGER NOT NULL,
    status TEXT NOT NULL, state TEXT NOT NULL, usage TEXT NOT NULL, recent TEXT NOT NULL, recent_ms INTEGER NOT NULL
  ) WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS usage (
    room TEXT NOT NULL, created_at INTEGER NOT NULL, day TEXT NOT NULL, at INTEGER NOT NULL, usage TEXT NOT NULL,
    PRIMARY KEY (room, created_at, day)
  ) WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS samples (
    room TEXT NOT NULL, minute INTEGER NOT NULL, subscribers INTEGER NOT NULL, bytes_per_second INTEGER NOT NULL,
    PRIMARY KEY (room, minute)
  ) WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS webhooks (
    room TEXT PRIMARY KEY, created_at INTEGER NOT NULL, url TEXT NOT NULL, set_at INTEGER NOT NULL
  ) WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS deliveries (
    id TEXT PRIMARY KEY, at INTEGER NOT NULL, room TEXT NOT NULL, created_at INTEGER NOT NULL, type TEXT NOT NULL,
    owner TEXT NOT NULL, url TEXT NOT NULL, body TEXT NOT NULL, status TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
    tried_at INTEGER, answer TEXT, turn INTEGER NOT NULL DEFAULT 0
  ) WITHOUT ROWID`,
  `INSERT OR IGNORE INTO versions (version) VALUES (${VERSION})`,
];

const ready = new WeakMap<IndexDatabase, Promise<unknown>>();

/** The database, with its tables. */
export async function indexOf(database: IndexDatabase): Promise<IndexDatabase> {
  if (database.hasTables) return database;
  let made = ready.get(database);
  if (made === undefined) {
    made = database.batch(TABLES.map((text) => database.prepare(text)));
    ready.set(database, made);
    made.catch(() => ready.delete(database));
  }
  await made;
  return database;
}
