// The positions of a relay when its link was parked: stored then, and deleted at the next frame.

import type { LinkedTrack } from "./attachment.ts";
import { linkedTrack } from "./attachment-parser.ts";
import { listOf, record, whole } from "./checked.ts";
import type { KeyValueStore } from "./key-value-store.ts";
import { readRow, writeRow } from "./stored-row.ts";

const KEY = "parked";

/** A track, and its next frame. */
export type ParkedTrack = LinkedTrack & { readonly next: number };

/** undefined: the relay was not parked, or the row cannot be read. */
export function readParked(kv: KeyValueStore): ParkedTrack[] | undefined {
  const row = readRow(kv, KEY, ({ tracks }) => listOf(parkedTrack)(tracks));
  return row.is === "read" ? row.value : undefined;
}

/** The stored position of a track, if it is of the same epoch. */
export function nextIn(parked: readonly ParkedTrack[] | undefined, { name, epoch }: LinkedTrack): number | null {
  return parked?.find((one) => one.name === name && one.epoch === epoch)?.next ?? null;
}

export function writeParked(kv: KeyValueStore, tracks: readonly ParkedTrack[]): void {
  writeRow(kv, KEY, { tracks });
}

export function forgetParked(kv: KeyValueStore): void {
  kv.delete(KEY);
}

function parkedTrack(value: unknown): ParkedTrack {
  return { ...linkedTrack(value), next: whole(record(value).next) };
}
