// A queue in the SQLite of an object: which message is due, and which one failed too often.
import type { Sql } from "./sql.ts";

/** The settings of a queue. */
export interface QueueRules {
  /** Messages that the consumer gets at a time, at most. */
  readonly batchSize: number;
  /** The time that a message waits for others. */
  readonly gatherMs: number;
  /** The number of attempts after the first. If all of them fail, the message is dead. */
  readonly maxRetries: number;
}

/** A message that the consumer has now. */
export interface StoredMessage {
  readonly id: number;
  /** JSON. */
  readonly body: string;
  /** The number of attempts, including this one. */
  readonly attempts: number;
}

/** Some 200 MB, because reports have a few KB. A full queue takes no more messages, and rooms keep their events. */
export const MAX_QUEUED = 100_000;

/** It tells a later version with other tables which tables exist. */
const VERSION = 1;

const TABLES = [
  "CREATE TABLE IF NOT EXISTS versions (version INTEGER PRIMARY KEY)",
  `INSERT OR IGNORE INTO versions (version) VALUES (${VERSION})`,
  `CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT, due INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, body TEXT NOT NULL
  )`,
  "CREATE INDEX IF NOT EXISTS by_due ON messages (due)",
];

/** Messages of one queue. Only one batch is out at a time. Times are ms since 1970. */
export class StoredQueue {
  readonly #sql: Sql;
  readonly #rules: QueueRules;
  #count: number;

  constructor(sql: Sql, rules: QueueRules) {
    this.#sql = sql;
    this.#rules = rules;
    for (const statement of TABLES) sql.exec(statement);
    const [row] = sql.exec("SELECT COUNT(*) AS count FROM messages");
    this.#count = Number(row?.count);
  }

  /** Returns false, and takes no message, if there is no space for all of them. */
  add(now: number, bodies: readonly string[]): boolean {
    if (this.#count + bodies.length > MAX_QUEUED) return false;
    for (const body of bodies) this.#sql.exec("INSERT INTO messages (due, body) VALUES (?, ?)", now, body);
    this.#count += bodies.length;
    return true;
  }

  /** When the next batch is due; undefined: there are no messages. */
  get dueAt(): number | undefined {
    const [row] = this.#sql.exec("SELECT MIN(due) AS due FROM messages");
    return row === undefined || row.due === null ? undefined : Number(row.due) + this.#rules.gatherMs;
  }

  /** Returns one batch of due messages. The attempt counts, whatever its result is. */
  take(now: number): StoredMessage[] {
    const rows = this.#sql.exec(
      `UPDATE messages SET attempts = attempts + 1
       WHERE id IN (SELECT id FROM messages WHERE due <= ? ORDER BY due, id LIMIT ?) RETURNING id, body, attempts`,
      now,
      this.#rules.batchSize,
    );
    return [...rows].map(({ id, body, attempts }) => ({
      id: Number(id),
      body: String(body),
      attempts: Number(attempts),
    }));
  }

  /**
   * A batch is over: messages in `failed` come again after that number of ms, and the others are done. Returns the
   * messages that failed too often. They come again, too, unless they are removed.
   */
  settle(now: number, batch: readonly StoredMessage[], failed: ReadonlyMap<StoredMessage, number>): StoredMessage[] {
    this.remove(batch.filter((message) => !failed.has(message)));
    for (const [{ id }, ms] of failed) this.#sql.exec("UPDATE messages SET due = ? WHERE id = ?", now + ms, id);
    return [...failed.keys()].filter(({ attempts }) => attempts > this.#rules.maxRetries);
  }

  remove(messages: readonly StoredMessage[]): void {
    for (const { id } of messages) this.#sql.exec("DELETE FROM messages WHERE id = ?", id);
    this.#count -= messages.length;
  }
}
