// What the stage says in words while there is nothing, or nothing new, to see.
import { explainRefusal } from "./refusal-text.ts";
import type { Room } from "./room-page.ts";

/** What a player does: wait for the start of a group, play, pause, or give up. */
export type PlaybackState = "waiting" | "playing" | "paused" | "failed";

/** The text over the stage; empty while it shows what is live. */
export function noticeOf(room: Room, playback: PlaybackState): string {
  const { connection, selected } = room;
  if (connection.is === "refused") return explainRefusal(connection.code, connection.status).title;
  if (connection.is === "connecting") return "Connecting to the room";
  if (connection.is === "unreached") return "The room cannot be reached; trying again";
  if (connection.is === "lost") return "The connection was lost; coming back";
  if (selected?.ended) return "The source has ended. A new start plays by itself.";
  if (selected === undefined || selected.source === "offline") return "Waiting for the source";
  if (selected.last === undefined) return "Waiting for the first frame";
  if (selected.kind !== "mpegts") return "";
  if (playback === "waiting") return "Waiting for the start of a group";
  if (playback === "paused") return "Paused";
  if (playback === "failed") return "This browser cannot play this stream";
  return "";
}
