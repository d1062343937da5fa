// The URLs of a room, below the http(s) base of the Worker. They never contain tokens.

/** The URL of the room's WebSocket. Throws `TypeError` if `url` is not an http(s) URL. */
export function socketUrl(url: string, room: string, query: Record<string, string>): string {
  const address = `${base(url)}/rooms/${encodeURIComponent(room)}/ws`.replace(/^http/, "ws");
  return `${address}?${new URLSearchParams(query)}`;
}

/** The URL of the room's description. Throws `TypeError` if `url` is not an http(s) URL. */
export function roomUrl(url: string, room: string): string {
  return `${base(url)}/api/rooms/${encodeURIComponent(room)}`;
}

/** The URL for an API path that the room gave. Throws `TypeError` if `url` is not an http(s) URL. */
export function apiUrl(url: string, path: string): string {
  return base(url) + path;
}

/** The URL that accepts a connection's new token. Throws `TypeError` if `url` is not an http(s) URL. */
export function connectionTokenUrl(url: string, room: string, connection: string): string {
  return `${roomUrl(url, room)}/connections/${encodeURIComponent(connection)}/token`;
}

function base(url: string): string {
  const { protocol, origin, pathname } = new URL(url);
  if (protocol !== "http:" && protocol !== "https:") throw new TypeError("url must be an http(s) URL");
  return `${origin}${pathname.replace(/\/+$/, "")}`;
}
