// The tables of a recording's index, and the queries for its segments.

export const TABLES = `
CREATE TABLE IF NOT EXISTS segments (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL, epoch TEXT NOT NULL, first INTEGER NOT NULL, next INTEGER NOT NULL,
  bytes INTEGER NOT NULL, sha256 TEXT NOT NULL, beganAt INTEGER NOT NULL, endedAt INTEGER NOT NULL,
  receivedAt INTEGER NOT NULL, receivedUntil INTEGER NOT NULL, leadingInitBytes INTEGER NOT NULL, startsGroup INTEGER NOT NULL,
  discontinuity INTEGER NOT NULL, format TEXT, kind TEXT NOT NULL, init INTEGER, total INTEGER NOT NULL, ordinal INTEGER NOT NULL, breaks INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS frames (id INTEGER PRIMARY KEY, packed TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS inits (id INTEGER PRIMARY KEY, name TEXT NOT NULL, bytes INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS gaps (
  id INTEGER PRIMARY KEY, epoch TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER, reason TEXT NOT NULL, at INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS doomed (name TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS counter (one INTEGER PRIMARY KEY, forgotten INTEGER NOT NULL);
`;

/** Without the frames, which are most of a row. */
export const ENTRIES = `
SELECT s.*, '[]' AS packed, i.name AS initName, i.bytes AS initBytes FROM segments s LEFT JOIN inits i ON i.id = s.init`;
export const SEGMENTS = `
SELECT s.*, f.packed, i.name AS initName, i.bytes AS initBytes
FROM segments s JOIN frames f ON f.id = s.id LEFT JOIN inits i ON i.id = s.init`;
/** Segments and gaps in their order. */
export const ALL =
  "SELECT id, receivedUntil AS at, bytes FROM segments UNION ALL SELECT id, at, 0 FROM gaps ORDER BY id";
