// The rows of a room itself: its existence and its owner's settings, or its tombstone.
import { DELIVERIES } from "./attachment.ts";
import { flag, listOf, number, oneOf, orNull, type Parser, record, text, whole } from "./checked.ts";
import type { KeyValueStore } from "./key-value-store.ts";
import type { RoomSettings } from "./room-settings.ts";
import { readRow, writeRow } from "./stored-row.ts";

const ROOM = "room";
const TOMBSTONE = "closed";

/** The stored state of a room. Times are ms since 1970. */
export interface RoomRow {
  /** The room's id; empty: the row is older than this field, and the platform has to know the id. */
  readonly id: string;
  readonly createdAt: number;
  /** The owner's settings; the rest is default. */
  readonly settings: Partial<RoomSettings>;
  /** Members have seen each other at some time, so the ids of connections are known. */
  readonly idsAreTold: boolean;
}

/** The stored state of a closed room, kept until no token of it can be valid (ms since 1970). */
export interface Tombstone {
  readonly until: number;
}

const SETTINGS: { readonly [Name in keyof RoomSettings]: Parser<RoomSettings[Name]> } = {
  title: text,
  public: flag,
  presence: flag,
  memberMessages: flag,
  delivery: oneOf(DELIVERIES),
  maxSubscribers: whole,
  maxReliable: whole,
  reliableHoldSeconds: whole,
  latencySeconds: whole,
  embedOrigins: listOf(text),
  maxPublishers: whole,
  bytesPerSecondIn: orNull(whole),
  historyBytes: whole,
  historySeconds: whole,
  idleExpirySeconds: orNull(whole),
  recording: (value) => (value === "off" || value === "all" ? value : listOf(text)(value)),
  recordingSeconds: whole,
  recordingBytes: whole,
};

/**
 * The room's row; undefined: there is no room. An unreadable row counts as a room with the default settings, which
 * admit nobody without a token.
 */
export function readRoom(kv: KeyValueStore): RoomRow | undefined {
  const row = readRow(kv, ROOM, (fields) => ({
    id: text(fields.id ?? ""),
    createdAt: number(fields.createdAt),
    settings: settingsOf(fields.settings ?? {}),
    idsAreTold: flag(fields.idsAreTold ?? false),
  }));
  if (row.is === "absent") return undefined;
  return row.is === "read" ? row.value : { id: "", createdAt: 0, settings: {}, idsAreTold: true };
}

export function writeRoom(kv: KeyValueStore, row: RoomRow): void {
  writeRow(kv, ROOM, row);
}

/**
 * The tombstone; undefined: there is none. An unreadable one stays permanently: a closed room is never opened by
 * accident.
 */
export function readTombstone(kv: KeyValueStore): Tombstone | undefined {
  const row = readRow(kv, TOMBSTONE, ({ until }) => ({ until: number(until) }));
  if (row.is === "absent") return undefined;
  return row.is === "read" ? row.value : { until: Number.POSITIVE_INFINITY };
}

/**
 * Deletes everything from storage except the tombstone, which is written first. So even if only half of this is done,
 * the room is closed.
 */
export function bury(kv: KeyValueStore, tombstone: Tombstone): void {
  writeRow(kv, TOMBSTONE, tombstone);
  for (const [key] of [...kv.list<unknown>()]) if (key !== TOMBSTONE) kv.delete(key);
}

export function forgetTombstone(kv: KeyValueStore): void {
  kv.delete(TOMBSTONE);
}

/** Parses each setting separately: an unknown or broken one counts as not set. */
export function settingsOf(value: unknown): Partial<RoomSettings> {
  const said = record(value);
  const names = Object.keys(SETTINGS) as (keyof RoomSettings)[];
  return Object.fromEntries(names.flatMap((name) => settingOf(name, said[name])));
}

function settingOf(name: keyof RoomSettings, value: unknown): [string, unknown][] {
  try {
    return value === undefined ? [] : [[name, SETTINGS[name](value)]];
  } catch {
    return [];
  }
}
