// The name of a recorder contains its room and track, and so its place in the bucket.
import { isRoomId, isTrackName } from "../../protocol/names.ts";

/** The parts of a recorder's id. */
export interface RecorderName {
  readonly room: string;
  readonly track: string;
}

/** Not allowed in a room's id, in a track's name or in a relay's id. */
const SEPARATOR = "!";

export function recorderId({ room, track }: RecorderName): string {
  return room + SEPARATOR + track;
}

/** undefined: it is not the id of a recorder. */
export function parseRecorderId(id: string): RecorderName | undefined {
  const [room = "", track = "", ...more] = id.split(SEPARATOR);
  return isRoomId(room) && isTrackName(track) && more.length === 0 ? { room, track } : undefined;
}

/** The prefix of the keys of all objects of a room. */
export function roomPrefix(room: string): string {
  return `recordings/${room}/`;
}

/** The prefix of the keys of all objects of a track. */
export function trackPrefix({ room, track }: RecorderName): string {
  return `${roomPrefix(room)}${track}/`;
}

/** The contents of an object's name, below the prefix of its track. */
export interface ObjectName {
  /** The id of its row; increases with each segment. */
  readonly id: number;
  readonly epoch: string;
  /** Frames `first` to `next` - 1; null: the init that applies from there on. */
  readonly frames: { readonly first: number; readonly next: number } | null;
  /** Each attempt to store has its own, so that its leftovers can be deleted whatever later attempts do. */
  readonly nonce: string;
}

const NAME = /^(\d{1,16})-([a-z0-9]{1,32})-(?:(\d{1,16})-(\d{1,16})|init)-([a-z0-9]{8,32})$/;

export function formatObjectName({ id, epoch, frames, nonce }: ObjectName): string {
  const what = frames === null ? "init" : `${frames.first}-${frames.next}`;
  return `${String(id).padStart(8, "0")}-${epoch}-${what}-${nonce}`;
}

/** undefined: it is not the name of an object. */
export function parseObjectName(name: string): ObjectName | undefined {
  const [, id, epoch = "", first, next, nonce = ""] = NAME.exec(name) ?? [];
  if (id === undefined) return undefined;
  const frames = first === undefined ? null : { first: Number(first), next: Number(next) };
  return { id: Number(id), epoch, frames, nonce };
}
