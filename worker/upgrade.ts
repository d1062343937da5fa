// The WebSocket's door: what can be refused without the room is refused here, the rest is the room's to decide.
import type { Config } from "./config.ts";
import { permit } from "./core/authorize.ts";
import type { JoinRequest } from "./core/room.ts";
import { credentialOf, FRAMED, offeredProtocols } from "./credential.ts";
import type { Env } from "./env.ts";
import { parseJoin } from "./join-query.ts";
import { isOriginAllowed } from "./origin.ts";
import { Problem, unwrap } from "./problem.ts";
import { limitRefused } from "./rate-limit.ts";
import { JOIN_HEADER } from "./room-env.ts";

/** Answers an upgrade request; throws `Problem`. */
export async function upgrade(request: Request, room: string, env: Env, config: Config): Promise<Response> {
  if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
    throw new Problem("upgrade_required", "open this URL as a WebSocket");
  }
  if (!isOriginAllowed(request, config)) throw new Problem("origin_not_allowed", "see ALLOWED_ORIGINS");
  return limitRefused(request, env.UPGRADES, config, () => askRoom(request, room, env, config));
}

async function askRoom(request: Request, room: string, env: Env, config: Config): Promise<Response> {
  const framed = offeredProtocols(request).includes(FRAMED);
  const credential = await credentialOf(request, config, room);
  const asked = parseJoin(new URL(request.url).searchParams, framed);
  // What the token does not allow needs no room; the room's settings do not matter for that.
  if (credential.by === "token") unwrap(permit(asked, credential.grant, "live"));
  const wanted: JoinRequest = { asked, credential };
  const headers = new Headers({ upgrade: "websocket", [JOIN_HEADER]: encodeURIComponent(JSON.stringify(wanted)) });
  if (framed) headers.set("sec-websocket-protocol", FRAMED);
  return env.ROOM.getByName(room).fetch(`https://room/${room}`, { headers });
}
