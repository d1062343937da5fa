// The room's own object, for calls from the API.
import type { Env } from "./env.ts";
import { within } from "./objects.ts";

/** The object that the room's id leads to. */
export function roomOf(env: Env, room: string) {
  return within(env, env.ROOM).getByName(room);
}
