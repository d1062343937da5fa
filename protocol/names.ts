// What rooms and tracks may be called.
import { MAX_ROOM_ID_CHARS, MAX_TRACK_NAME_CHARS } from "./limits.ts";

const ROOM_ID = new RegExp(`^[A-Za-z0-9][A-Za-z0-9_-]{0,${MAX_ROOM_ID_CHARS - 1}}$`);
const TRACK_NAME = new RegExp(`^[A-Za-z0-9][A-Za-z0-9._-]{0,${MAX_TRACK_NAME_CHARS - 1}}$`);

/** The track of those who name none. */
export const DEFAULT_TRACK = "main";

/** Letters, digits, `-` and `_`, at most 64; ids are case sensitive. */
export function isRoomId(text: string): boolean {
  return ROOM_ID.test(text);
}

/** Letters, digits, `.`, `-` and `_`, at most 64. */
export function isTrackName(text: string): boolean {
  return TRACK_NAME.test(text);
}
