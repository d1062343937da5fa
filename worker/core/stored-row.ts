// Stored rows contain the version of their form. An unreadable row affects only itself, never the room.
import { Malformed, record } from "./checked.ts";
import type { KeyValueStore } from "./key-value-store.ts";

/** The version of every form of row that this code writes. Rows from before versions existed have none. */
export const ROW_VERSION = 1;

/** Makes a value from the fields of a row. `version` is 0 if the row has none. Throws `Malformed`. */
export type RowParser<T> = (row: Readonly<Record<string, unknown>>, version: number) => T;

/** The state of a key: absent, unreadable (broken, or of a later version), or the value. */
export type StoredRow<T> =
  | { readonly is: "absent" }
  | { readonly is: "unreadable" }
  | { readonly is: "read"; readonly value: T };

export function readRow<T>(kv: KeyValueStore, key: string, parse: RowParser<T>): StoredRow<T> {
  const value = kv.get<unknown>(key);
  return value === undefined ? { is: "absent" } : parseRow(value, parse);
}

/** All rows whose keys begin with `prefix`, by their full keys. Unreadable rows are ignored, and stay in storage. */
export function readRows<T>(kv: KeyValueStore, prefix: string, parse: RowParser<T>): Map<string, T> {
  const rows = new Map<string, T>();
  for (const [key, value] of kv.list<unknown>({ prefix })) {
    const row = parseRow(value, parse);
    if (row.is === "read") rows.set(key, row.value);
  }
  return rows;
}

/** Writes a row with its version. Throws if storage does, so change the memory afterwards. */
export function writeRow(kv: KeyValueStore, key: string, value: object): void {
  kv.put(key, { ...value, v: ROW_VERSION });
}

function parseRow<T>(value: unknown, parse: RowParser<T>): StoredRow<T> {
  try {
    const row = record(value);
    const { v: version = 0 } = row;
    if (version !== 0 && version !== ROW_VERSION) return { is: "unreadable" };
    return { is: "read", value: parse(row, version) };
  } catch (error) {
    if (error instanceof Malformed) return { is: "unreadable" };
    throw error;
  }
}
