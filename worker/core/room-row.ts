// The rows of a room itself: that it exists and what its owner set, or that it was closed.
import { DELIVERIES } from "./attachment.ts";
import { flag, number, oneOf, orNull, type Parser, record, text, whole } from "./checked.ts";
import type { KeyValueStore } from "./key-value-store.ts";
import type { RoomSettings } from "./room-settings.ts";
import { readRow, writeRow } from "./stored-row.ts";

const ROOM = "room";
const TOMBSTONE = "closed";

/** What is stored of a room. Times are ms since 1970. */
export interface RoomRow {
  readonly createdAt: number;
  /** What the owner said; the rest is default. */
  readonly settings: Partial<RoomSettings>;
  /** Members were told of each other at some time: the ids of connections are known. */
  readonly idsAreTold: boolean;
}

/** What is stored of a room that was closed: until no token of it can be left (ms since 1970). */
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
  maxPublishers: whole,
  bytesPerSecondIn: orNull(whole),
  historyBytes: whole,
  historySeconds: whole,
  idleExpirySeconds: orNull(whole),
};

/** The room's row; undefined: there is no room. An unreadable row is a room with the default settings, which let nobody in without a token. */
export function readRoom(kv: KeyValueStore): RoomRow | undefined {
  const row = readRow(kv, ROOM, (fields) => ({
    createdAt: number(fields.createdAt),
    settings: settingsOf(fields.settings ?? {}),
    idsAreTold: flag(fields.idsAreTold ?? false),
  }));
  if (row.is === "absent") return undefined;
  return row.is === "read" ? row.value : { createdAt: 0, settings: {}, idsAreTold: true };
}

export function writeRoom(kv: KeyValueStore, row: RoomRow): void {
  writeRow(kv, ROOM, row);
}

/** The tombstone; undefined: there is none. An unreadable one stays for good: a closed room is never opened by accident. */
export function readTombstone(kv: KeyValueStore): Tombstone | undefined {
  const row = readRow(kv, TOMBSTONE, ({ until }) => ({ until: number(until) }));
  if (row.is === "absent") return undefined;
  return row.is === "read" ? row.value : { until: Number.POSITIVE_INFINITY };
}

/** Leaves the tombstone alone in storage. It is written first: half of it done, the room is closed all the same. */
export function bury(kv: KeyValueStore, tombstone: Tombstone): void {
  writeRow(kv, TOMBSTONE, tombstone);
  for (const [key] of [...kv.list<unknown>()]) if (key !== TOMBSTONE) kv.delete(key);
}

export function forgetTombstone(kv: KeyValueStore): void {
  kv.delete(TOMBSTONE);
}

/** Each setting for itself: what is unknown or broken is as if it had not been said. */
function settingsOf(value: unknown): Partial<RoomSettings> {
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
