// The rooms that this browser created, with their tokens, so that a reload does not lock out their owner.
import { readToken } from "./token-claims.ts";

/** A token that the owner gave away or keeps. `name`: its purpose, in the owner's words. */
export interface OwnedLink {
  readonly name: string;
  readonly token: string;
}

export interface OwnedRoom {
  readonly room: string;
  readonly admin: string;
  /** The links of the new room, and those created since. */
  readonly links: readonly OwnedLink[];
  /** The address for producers: `tcp://...`. Null: unknown. */
  readonly ingest: string | null;
}

const KEY = "roomcast.rooms";
const VERSION = 1;
/** Above this number, the oldest rooms are removed. */
const MAX_ROOMS = 50;
const MAX_LINKS = 50;

interface Stored {
  readonly version: number;
  readonly rooms: readonly OwnedRoom[];
}

/** The rooms whose token is still valid, the newest first. */
export function ownedRooms(): readonly OwnedRoom[] {
  const now = Date.now() / 1000;
  return read().filter(({ admin }) => (readToken(admin).exp ?? now) >= now);
}

export function ownedRoom(room: string): OwnedRoom | undefined {
  return ownedRooms().find((owned) => owned.room === room);
}

/** Stores a room, or its changes. Does nothing if the browser stores nothing. */
export function keepRoom(room: OwnedRoom): void {
  const others = ownedRooms().filter((owned) => owned.room !== room.room);
  write([{ ...room, links: room.links.slice(-MAX_LINKS) }, ...others].slice(0, MAX_ROOMS));
}

export function forgetRoom(room: string): void {
  write(ownedRooms().filter((owned) => owned.room !== room));
}

function read(): readonly OwnedRoom[] {
  try {
    const stored = JSON.parse(localStorage.getItem(KEY) ?? "null") as Stored | null;
    return stored?.version === VERSION ? stored.rooms.filter(isRoom) : [];
  } catch {
    return [];
  }
}

function write(rooms: readonly OwnedRoom[]): void {
  try {
    localStorage.setItem(KEY, JSON.stringify({ version: VERSION, rooms } satisfies Stored));
  } catch {
    // Private windows and full disks: the page works until it is reloaded.
  }
}

function isRoom(room: OwnedRoom | null): boolean {
  return typeof room?.room === "string" && typeof room.admin === "string" && Array.isArray(room.links);
}
