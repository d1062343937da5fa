// Addresses of rooms: the room's id in the path, the token in the fragment, which browsers do not send.
import { isRoomId } from "../protocol/names.ts";

const ROOM_PATH = /^\/rooms\/([^/]+)\/?$/;

/** The room of `/rooms/:room`. */
export function roomOfPath(pathname: string): string | undefined {
  const id = ROOM_PATH.exec(pathname)?.[1];
  return id !== undefined && isRoomId(id) ? id : undefined;
}

/** The token of `#token=...`. */
export function tokenOfFragment(hash: string): string | undefined {
  return new URLSearchParams(hash.replace(/^#/, "")).get("token") || undefined;
}

/** What somebody pasted: a token, or a viewers' link that holds one. */
export function tokenOfPaste(text: string): string | undefined {
  const pasted = text.trim();
  const hash = pasted.indexOf("#");
  if (hash !== -1) return tokenOfFragment(pasted.slice(hash));
  return /^[\w.-]+$/.test(pasted) ? pasted : undefined;
}
