// The instructions of the origin for a relay: which policy, which children, whether to drain. Stored, and sent between
// versions.
import { flag, listOf, number, orNull, record, text } from "./checked.ts";
import type { KeyValueStore } from "./key-value-store.ts";
import { MemoryStore } from "./memory-store.ts";
import { Policy } from "./policy.ts";
import { Revocations } from "./revocations.ts";
import { settingsOf } from "./room-row.ts";
import { inForce, type RoomLimits, type RoomSettings } from "./room-settings.ts";
import { readRow, writeRow } from "./stored-row.ts";

/** Everything that a relay must know to admit and to refuse without asking. */
export interface Assignment {
  readonly room: string;
  /** The relay's own id, because an object may not know its name. */
  readonly relay: string;
  /** A newer version replaces an older one, never the other way round. */
  readonly version: number;
  /** The object that dials it: the room's id, or another relay's. */
  readonly parent: string;
  /** The relays that it dials. */
  readonly children: readonly string[];
  /**
   * The relay accepts no new subscribers, and moves its subscribers elsewhere within this time; null: it is not
   * draining.
   */
  readonly drainOverMs: number | null;
  readonly settings: Partial<RoomSettings>;
  readonly revocations: readonly unknown[];
  readonly idsAreTold: boolean;
}

const KEY = "assignment";

export function readAssignment(kv: KeyValueStore): Assignment | undefined {
  const row = readRow(kv, KEY, parseAssignment);
  return row.is === "read" ? row.value : undefined;
}

export function writeAssignment(kv: KeyValueStore, assignment: Assignment): void {
  writeRow(kv, KEY, assignment);
}

export function forgetAssignment(kv: KeyValueStore): void {
  kv.delete(KEY);
}

/** An assignment that another version of this code may have sent. Unknown fields are dropped. Throws `Malformed`. */
export function parseAssignment(value: unknown): Assignment {
  const said = record(value);
  return {
    room: text(said.room),
    relay: text(said.relay),
    version: number(said.version),
    parent: text(said.parent),
    children: listOf(text)(said.children),
    drainOverMs: orNull(number)(said.drainOverMs),
    settings: settingsOf(said.settings),
    revocations: listOf((one) => one)(said.revocations),
    idsAreTold: flag(said.idsAreTold),
  };
}

/** The room's policy for its relay. Without an assignment, the room does not exist here. */
export function policyOf(assignment: Assignment | undefined, limits: RoomLimits): Policy {
  const revoked = new Revocations(new MemoryStore());
  revoked.load(assignment?.revocations ?? []);
  const settings = inForce(assignment?.settings ?? {}, limits);
  return new Policy(assignment === undefined ? "never" : "open", settings, revoked);
}
