// The notice on the stage while there is nothing new to show.
import type { Playback } from "./players/playback.ts";
import { explainRefusal } from "./refusal-text.ts";
import type { Room } from "./room-page.ts";

/** By the reason of the loss. */
const LOST: Readonly<Record<string, string>> = {
  room_full: "The room is full. Trying again.",
  slow: "This connection is too slow for the stream. Reconnecting.",
  token_expired: "The token has expired. Reconnecting.",
};

/** The text over the stage; empty while the stream is visible and live. */
export function noticeOf(room: Room, playback: Playback): string {
  const { connection, selected } = room;
  if (connection.is === "refused") return explainRefusal(connection.code, connection.status).title;
  if (connection.is === "connecting") return "Connecting to the room";
  if (connection.is === "unreached") return "The room cannot be reached. Trying again.";
  if (connection.is === "lost") return LOST[connection.reason ?? ""] ?? "The connection was lost. Reconnecting.";
  if (selected?.ended) return "The source has ended. If it starts again, it plays by itself.";
  if (selected === undefined || selected.source === "offline") return "Waiting for the source";
  if (!selected.hasData) return "Waiting for the first frame";
  if (playback.is === "waiting") return "Waiting for the next key frame";
  if (playback.is === "paused") return "Paused";
  if (playback.is === "failed") return `This browser cannot play this stream: ${playback.detail}`;
  return "";
}
