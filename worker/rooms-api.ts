// POST /api/rooms and GET /api/rooms/:room: rooms are created here, and tell of themselves.
import { Hono } from "hono";
import * as z from "zod/mini";
import type { Right } from "../protocol/claims.ts";
import { isRoomId } from "../protocol/names.ts";
import { mintToken } from "../protocol/token.ts";
import type { AppEnv } from "./app.ts";
import type { Config } from "./config.ts";
import { authorize, bearerOf, sameSecret } from "./credential.ts";
import { randomId } from "./ids.ts";
import { Problem } from "./problem.ts";

/** Bodies here are a few fields. */
const MAX_BODY_BYTES = 16 * 1024;

/** The tokens of a new room live as long as most events do; whoever needs longer ones mints them. */
const TOKEN_TTL_SECONDS = 7 * 24 * 3600;

const createSchema = z.strictObject({
  id: z.optional(z.string().check(z.refine(isRoomId, "is no room id"))),
});

export const roomsApi = new Hono<AppEnv>()
  .post("/", async (c) => {
    const config = c.get("config");
    await checkCreation(c.req.raw, config);
    const { id: room = randomId(10) } = await readBody(c.req.raw, createSchema);
    if (!(await c.env.ROOM.getByName(room).create())) throw new Problem("room_exists", "choose another id, or none");
    const [admin, publish, subscribe] = await Promise.all([
      mint(config, room, ["admin"]),
      mint(config, room, ["publish"]),
      mint(config, room, ["subscribe"]),
    ]);
    return c.json(
      { room, tokens: { admin, publish, subscribe }, links: linksOf(c.req.url, room, subscribe, config) },
      201,
    );
  })
  .get("/:room", async (c) => {
    const room = roomParam(c.req.param("room"));
    await authorize(c.req.raw, c.get("config").secrets, room);
    const description = await c.env.ROOM.getByName(room).describe();
    if (description === undefined) throw new Problem("room_not_found", "create it with POST /api/rooms");
    return c.json(description);
  });

/** A room id from a path; what cannot be one is nobody's. */
export function roomParam(text: string): string {
  if (!isRoomId(text)) throw new Problem("not_found", "a room id has letters, digits, - and _, at most 64");
  return text;
}

async function checkCreation(request: Request, config: Config): Promise<void> {
  if (config.operatorKey === undefined) return;
  const key = bearerOf(request);
  if (key === undefined || !(await sameSecret(key, config.operatorKey))) {
    throw new Problem("unauthorized", "creating rooms needs Authorization: Bearer <OPERATOR_KEY>");
  }
}

async function readBody<T extends z.ZodMiniType>(request: Request, schema: T): Promise<z.output<T>> {
  const bytes = await readBounded(request);
  let value: unknown;
  try {
    value = bytes.byteLength === 0 ? {} : JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw new Problem("invalid_request", "the body is no JSON", { cause });
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new Problem(
    "invalid_request",
    result.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`).join("; "),
  );
}

async function readBounded(request: Request): Promise<Uint8Array> {
  const bytes = new Uint8Array(MAX_BODY_BYTES);
  let size = 0;
  for await (const chunk of request.body ?? []) {
    if (size + chunk.byteLength > MAX_BODY_BYTES) {
      throw new Problem("body_too_large", `a body has at most ${MAX_BODY_BYTES} bytes`);
    }
    bytes.set(chunk, size);
    size += chunk.byteLength;
  }
  return bytes.subarray(0, size);
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
    ingest: config.ingestUrl,
  };
}
