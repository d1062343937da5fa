// The room and the track of a command.
import { isRoomId, isTrackName } from "../protocol/names.ts";
import { Failure } from "./failure.ts";

/** Throws `Failure` if one of them is not valid. */
export function checkTarget(room: string, track: string, url: string): void {
  if (!isRoomId(room)) throw new Failure("the room is not a valid room id", 2);
  if (!isTrackName(track)) throw new Failure("the track is not a valid track name", 2);
  if (!/^https?:/.test(url) || !URL.canParse(url)) throw new Failure("--url is not an http:// or https:// URL", 2);
}
