// The objects of a recording that have to be deleted from the bucket: one row each.
import type { Sql } from "./sql.ts";

/** Names without the recorder's prefix. */
export class Doomed {
  readonly #sql: Sql;
  /** undefined: not asked since the last change. */
  #isEmpty: boolean | undefined;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  /** Read after each message of the link, so it makes no query of its own. */
  get isEmpty(): boolean {
    this.#isEmpty ??= this.first(1).length === 0;
    return this.#isEmpty;
  }

  first(limit: number): string[] {
    return Array.from(this.#sql.exec("SELECT name FROM doomed LIMIT ?", limit), ({ name }) => String(name));
  }

  add(names: readonly string[]): void {
    for (const name of names) this.#sql.exec("INSERT OR IGNORE INTO doomed VALUES (?)", name);
    this.changed();
  }

  /** The objects are deleted. */
  delete(names: readonly string[]): void {
    for (const name of names) this.#sql.exec("DELETE FROM doomed WHERE name = ?", name);
    this.changed();
  }

  /** Another query has changed the table. */
  changed(): void {
    this.#isEmpty = undefined;
  }
}
