// Every connection of a room, object by object, in pages.
import * as z from "zod/mini";
import { faultsOf } from "./body.ts";
import type { Who } from "./core/attachment.ts";
import type { Figures } from "./core/registry.ts";
import { parseRelayId } from "./core/relay-id.ts";
import type { Env } from "./env.ts";
import { relayOf } from "./objects.ts";
import { Problem, unwrap } from "./problem.ts";
import { roomOf } from "./room-stub.ts";

/** Connections of one page: about 300 KB. */
const MAX_PAGE = 1000;

const querySchema = z.strictObject({
  limit: z.optional(z.string().check(z.regex(/^([1-9]\d{0,2}|1000)$/))),
  /** `next` of the previous page: the object, its last listed connection, and the index of that connection. */
  after: z.optional(z.string().check(z.regex(/^[\w~-]{1,128}\/[\w~-]{1,128}\/\d{1,6}$/))),
});

/** The requested page: at most `limit` connections after `after`. */
export interface Page {
  readonly limit: number;
  readonly after: string | undefined;
}

/** Parses the query; throws `Problem`. */
export function parsePage(search: URLSearchParams): Page {
  const query = Object.fromEntries(search);
  const result = querySchema.safeParse(query);
  if (!result.success) throw new Problem("invalid_request", faultsOf(result.error, query));
  return { limit: Number(result.data.limit ?? MAX_PAGE), after: result.data.after };
}

/**
 * First the connections of the room's own object, then those of its relays; `at` names the object of each. `next` null:
 * there are no more.
 */
export async function listConnections(env: Env, room: string, who: Who, after: string | undefined, limit: number) {
  const own = unwrap(await roomOf(env, room).connections(who));
  const objects = [room, ...own.relays.toSorted()];
  const [from = room, last, place] = (after ?? room).split("/");
  const connections: (Figures & { readonly at: string })[] = [];
  /** The number of listed connections of the current object. */
  let told = 0;
  for (const object of objects.filter((one) => order(room, one) >= order(room, from))) {
    const listed = object === room ? own.connections : await relayOf(env, object).connections();
    let index = object === from && last !== undefined ? placeAfter(listed, last, Number(place)) : 0;
    for (; index < listed.length; index++) {
      const before = connections.at(-1);
      if (connections.length === limit) {
        return { connections, next: before === undefined ? null : `${before.at}/${before.connection}/${told - 1}` };
      }
      connections.push({ ...(listed[index] as Figures), at: object });
      told = index + 1;
    }
  }
  return { connections, next: null };
}

/** The room's own object comes first. */
function order(room: string, object: string): string {
  return object === room || parseRelayId(object) === undefined ? "" : object;
}

/**
 * The index after the last listed connection. If that connection has left meanwhile, the index after its former place.
 */
function placeAfter(listed: readonly Figures[], last: string, place: number): number {
  const at = listed.findIndex(({ connection }) => connection === last);
  return at >= 0 ? at + 1 : place;
}
