// The rows of a room's relays: one for each relay, written when it is opened, drained or closed.
import { flag, number, text } from "./checked.ts";
import type { KeyValueStore } from "./key-value-store.ts";
import type { RelayRow } from "./relay-tree.ts";
import { readRows, writeRow } from "./stored-row.ts";

const PREFIX = "relay:";

export function readRelays(kv: KeyValueStore): RelayRow[] {
  const rows = readRows(kv, PREFIX, ({ id, openedAt, draining }) => ({
    id: text(id),
    openedAt: number(openedAt),
    draining: flag(draining),
  }));
  return [...rows.values()];
}

export function writeRelay(kv: KeyValueStore, row: RelayRow): void {
  writeRow(kv, PREFIX + row.id, row);
}

export function forgetRelay(kv: KeyValueStore, id: string): void {
  kv.delete(PREFIX + id);
}
