// Rooms: created, described, changed, closed.
import { Hono } from "hono";
import type { Right } from "../protocol/claims.ts";
import { isRoomId } from "../protocol/names.ts";
import { mintToken } from "../protocol/token.ts";
import { readBody } from "./body.ts";
import type { Config } from "./config.ts";
import { grants } from "./core/authorize.ts";
import { beyondLimits, type RoomSettings } from "./core/room-settings.ts";
import { authorize, bearerOf, isOperator } from "./credential.ts";
import type { AppEnv } from "./env.ts";
import { randomId } from "./ids.ts";
import { costView } from "./operators/cost-view.ts";
import { Problem, unwrap } from "./problem.ts";
import { limit } from "./rate-limit.ts";
import { roomOf } from "./room-stub.ts";
import { createBody, updateBody } from "./schemas.ts";
import { type StoreEnv, storeOf } from "./stores.ts";

/** The tokens of a new room live longer than most events. The owner can mint tokens with longer lives. */
const TOKEN_TTL_SECONDS = 7 * 24 * 3600;

export const roomsApi = new Hono<AppEnv>()
  .post("/", async (c) => {
    const config = c.get("config");
    await limit(c.req.raw, c.env.CREATIONS, config);
    // A wrong key is refused even if no key is needed.
    const isAsked = !config.openCreation || c.req.raw.headers.has("authorization");
    if (isAsked && !(await isOperator(bearerOf(c.req.raw), config))) {
      throw new Problem("unauthorized", "creating rooms needs Authorization: Bearer <OPERATOR_KEY>");
    }
    const { id: room = randomId(16), settings = {} } = await readBody(c.req.raw, createBody);
    checkLimits(settings, config, c.env);
    unwrap(await roomOf(c.env, room).create(room, settings));
    const [admin, publish, subscribe] = await Promise.all([
      mint(config, room, ["admin"]),
      mint(config, room, ["publish"]),
      mint(config, room, ["subscribe"]),
    ]);
    const links = linksOf(c.req.url, room, subscribe, config);
    return c.json({ room, tokens: { admin, publish, subscribe }, links }, 201);
  })
  .get("/:room", async (c) => {
    const room = roomParam(c.req.param("room"));
    const grant = await authorize(c.req.raw, c.get("config"), room);
    const { metered, ...told } = unwrap(await roomOf(c.env, room).describe(grant.who));
    // Viewers do not see the cost.
    if (!grants(grant, "admin")) return c.json(told);
    const { since, usage, recent, recentMs } = metered;
    const cost = costView(usage, recent, recentMs, c.get("config").operators.prices);
    return c.json({ ...told, cost: { ...cost, since, usage } });
  })
  .patch("/:room", async (c) => {
    const room = roomParam(c.req.param("room"));
    const { who } = await authorize(c.req.raw, c.get("config"), room, "admin");
    const { settings } = await readBody(c.req.raw, updateBody);
    checkLimits(settings, c.get("config"), c.env);
    return c.json({ room, settings: unwrap(await roomOf(c.env, room).update(who, settings)) });
  })
  .delete("/:room", async (c) => {
    const room = roomParam(c.req.param("room"));
    const { who } = await authorize(c.req.raw, c.get("config"), room, "admin");
    unwrap(await roomOf(c.env, room).shut(who));
    return c.body(null, 204);
  });

/** A room id from a path. An invalid id leads to no room. */
export function roomParam(text: string): string {
  if (!isRoomId(text)) throw new Problem("not_found", "a room id has up to 64 letters, digits, - and _");
  return text;
}

function checkLimits(settings: Partial<RoomSettings>, { limits }: Config, env: StoreEnv): void {
  const faults = beyondLimits(settings, limits);
  const isRecorded = settings.recording !== undefined && settings.recording !== "off";
  if (isRecorded && storeOf(env) === undefined) {
    faults.push("settings.recording: this Worker has no bucket for recordings (see docs/recording.md)");
  }
  if (faults.length > 0) throw new Problem("invalid_request", faults.join("; "));
}

function mint(config: Config, room: string, can: Right[]): Promise<string> {
  const iat = Math.floor(Date.now() / 1000);
  return mintToken({ room, can, jti: randomId(20), iat, exp: iat + TOKEN_TTL_SECONDS }, config.secrets[0]);
}

function linksOf(requestUrl: string, room: string, subscribe: string, config: Config) {
  const { origin } = new URL(requestUrl);
  return {
    page: `${origin}/rooms/${room}#token=${subscribe}`,
    websocket: `${origin.replace(/^http/, "ws")}/rooms/${room}/ws`,
    ingest: config.ingestUrl || null,
  };
}
