// Where a room is, below the http(s) base of the Worker. Tokens have no place here.

/** The room's WebSocket. Throws `TypeError` where `url` is no http(s) URL. */
export function socketUrl(url: string, room: string, query: Record<string, string>): string {
  const address = `${base(url)}/rooms/${encodeURIComponent(room)}/ws`.replace(/^http/, "ws");
  return `${address}?${new URLSearchParams(query)}`;
}

/** The room's description. Throws `TypeError` where `url` is no http(s) URL. */
export function roomUrl(url: string, room: string): string {
  return `${base(url)}/api/rooms/${encodeURIComponent(room)}`;
}

/** Where a connection's new token is shown. Throws `TypeError` where `url` is no http(s) URL. */
export function connectionTokenUrl(url: string, room: string, connection: string): string {
  return `${roomUrl(url, room)}/connections/${encodeURIComponent(connection)}/token`;
}

function base(url: string): string {
  const { protocol, origin, pathname } = new URL(url);
  if (protocol !== "http:" && protocol !== "https:") throw new TypeError("url is an http(s) URL");
  return `${origin}${pathname.replace(/\/+$/, "")}`;
}
