// A real Worker on a real port for a test file, and common requests of tests.
import { randomBytes } from "node:crypto";
import { type Runtime, startRuntime } from "../../cli/runtime.ts";
import type { Claims } from "../../protocol/claims.ts";
import { mintToken } from "../../protocol/token.ts";
import { SECRET } from "./secret.ts";

export { SECRET };

/** A room with its tokens. */
export interface TestRoom {
  readonly room: string;
  readonly tokens: { readonly admin: string; readonly publish: string; readonly subscribe: string };
  readonly links: { readonly page: string; readonly websocket: string; readonly ingest: string };
}

/** Starts the Worker with open room creation. The caller closes it. */
export function startTestRuntime(
  options: { port?: number; state?: string; vars?: Record<string, string>; script?: string; events?: boolean } = {},
): Promise<Runtime> {
  const vars = { TOKEN_SECRET: SECRET, OPERATOR_KEY: SECRET, ROOM_CREATION: "open", ...options.vars };
  const { port = 0, state, script, events } = options;
  return startRuntime({ port, state, vars, script, events });
}

/** Creates a room with a random id. */
export async function createRoom(url: string, id?: string): Promise<TestRoom> {
  const body = JSON.stringify(id === undefined ? {} : { id });
  const response = await fetch(`${url}/api/rooms`, { method: "POST", body });
  if (response.status !== 201) throw new Error(`room not created: ${await response.text()}`);
  return (await response.json()) as TestRoom;
}

/** A token that may subscribe with `delivery=reliable`. Among a new room's tokens, only the admin's may. */
export function reliableToken(room: string): Promise<string> {
  return tokenWith({ room, can: ["subscribe", "reliable"] });
}

/** A token with any claims; valid for an hour by default. */
export function tokenWith(claims: Partial<Claims>, secret = SECRET): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const initial: Claims = {
    room: "*",
    can: ["subscribe"],
    jti: randomBytes(8).toString("hex"),
    iat: now,
    exp: now + 3600,
  };
  return mintToken({ ...initial, ...claims }, secret);
}
