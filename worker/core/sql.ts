// SQLite as the core sees it.

export type Value = string | number | null;
export type Row = Readonly<Record<string, Value>>;

/** Synchronous. Consecutive writes are one transaction. */
export interface Sql {
  exec(query: string, ...bindings: Value[]): Iterable<Row>;
}
