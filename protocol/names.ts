// Valid names of rooms and tracks, and valid formats of tracks.
import { MAX_FORMAT_CHARS, MAX_ROOM_ID_CHARS, MAX_TRACK_NAME_CHARS } from "./limits.ts";

const ROOM_ID = new RegExp(`^[A-Za-z0-9][A-Za-z0-9_-]{0,${MAX_ROOM_ID_CHARS - 1}}$`);
const TRACK_NAME = new RegExp(`^[A-Za-z0-9][A-Za-z0-9._-]{0,${MAX_TRACK_NAME_CHARS - 1}}$`);
const FORMAT = new RegExp(`^(?! )[ -~]{1,${MAX_FORMAT_CHARS}}(?<! )$`);

/** The track of clients that name none. */
export const DEFAULT_TRACK = "main";

/** Letters, digits, `-` and `_`, at most 64; ids are case sensitive. */
export function isRoomId(text: string): boolean {
  return ROOM_ID.test(text);
}

/** Letters, digits, `.`, `-` and `_`, at most 64. */
export function isTrackName(text: string): boolean {
  return TRACK_NAME.test(text);
}

/** A MIME type, such as `video/mp4;codecs="avc1.4d401f,mp4a.40.2"`: printable ASCII, at most 128, no space at either end. Nothing else of it is checked. */
export function isFormat(text: string): boolean {
  return FORMAT.test(text);
}
