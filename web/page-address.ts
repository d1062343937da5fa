// Addresses of rooms: the room's id in the path, and the token in the fragment, which browsers do not send.
import { isRoomId } from "../protocol/names.ts";

const ROOM_PATH = /^\/rooms\/([^/]+)\/?$/;

/** The room of `/rooms/:room`. */
export function roomOfPath(pathname: string): string | undefined {
  const id = ROOM_PATH.exec(pathname)?.[1];
  return id !== undefined && isRoomId(id) ? id : undefined;
}

/** The link to a room's page; for a public room, without a token. */
export function roomLink(origin: string, room: string, token?: string): string {
  const page = `${origin}/rooms/${room}`;
  return token === undefined ? page : `${page}#token=${token}`;
}

/** The room of `/rooms/:room/embed`. */
export function embedOfPath(pathname: string): string | undefined {
  return pathname.endsWith("/embed") ? roomOfPath(pathname.slice(0, -"/embed".length)) : undefined;
}

/** The token of `#token=...`. */
export function tokenOfFragment(hash: string): string | undefined {
  return new URLSearchParams(hash.replace(/^#/, "")).get("token") || undefined;
}

/** The token in a pasted text: a token, or a viewers' link that contains one. */
export function tokenOfPaste(text: string): string | undefined {
  const pasted = text.trim();
  const hash = pasted.indexOf("#");
  if (hash !== -1) return tokenOfFragment(pasted.slice(hash));
  return /^[\w.-]+$/.test(pasted) ? pasted : undefined;
}
