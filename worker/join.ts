// What somebody who opens a WebSocket asks for: the query of the upgrade request, parsed.
import * as z from "zod/mini";
import { allows, type Claims, type Right } from "../protocol/claims.ts";
import { ProtocolError } from "../protocol/errors.ts";
import { MAX_TRACKS } from "../protocol/limits.ts";
import { DEFAULT_TRACK, isTrackName } from "../protocol/names.ts";
import { parsePosition, parseStart } from "../protocol/position.ts";
import type { Publication } from "./core/hub.ts";
import { DELIVERIES, type Subscription, type Who } from "./core/saved.ts";
import { Problem } from "./problem.ts";

/** A checked request to join, as the Worker hands it to the room's object. */
export type Join =
  | { readonly role: "publish"; readonly who: Who; readonly publication: Publication }
  | { readonly role: "subscribe"; readonly who: Who; readonly subscription: Subscription };

const trackName = z.string().check(z.refine(isTrackName, "is no track name"));
const flag = z.optional(z.enum(["0", "1"]));

const querySchema = z.strictObject({
  role: z._default(z.enum(["publish", "subscribe"]), "subscribe"),
  track: z.optional(trackName),
  tracks: z.optional(z.string().check(z.maxLength(2048))),
  start: z._default(z.string().check(z.maxLength(2048)), "group"),
  delivery: z._default(z.enum(DELIVERIES), "live"),
  resume: z.optional(z.string().check(z.maxLength(64))),
  unacknowledged: z.optional(z.string().check(z.regex(/^\d{1,16}$/))),
  takeover: flag,
});
type Query = z.infer<typeof querySchema>;

/** Parses the query and checks that `claims` allow what it asks for; throws `Problem`. */
export function parseJoin(search: URLSearchParams, framed: boolean, claims: Claims): Join {
  const result = querySchema.safeParse(Object.fromEntries(search));
  if (!result.success)
    throw invalid(result.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; "));
  const query = result.data;
  try {
    return query.role === "publish" ? publish(query, framed, claims) : subscribe(query, framed, claims);
  } catch (error) {
    if (error instanceof ProtocolError) throw invalid(error.message);
    throw error;
  }
}

function publish(query: Query, framed: boolean, claims: Claims): Join {
  if (!framed) throw invalid("a publisher offers the subprotocol roomcast.v1");
  const { track = DEFAULT_TRACK, resume, unacknowledged, takeover } = query;
  demand(claims, "publish", [track]);
  const publication = {
    track,
    resume: resume === undefined ? null : parsePosition(resume),
    isSettled: unacknowledged === "0",
    takeover: takeover === "1",
  };
  return { role: "publish", who: whoOf(claims), publication };
}

function subscribe(query: Query, framed: boolean, claims: Claims): Join {
  const { track, tracks, delivery } = query;
  if (tracks !== undefined && (!framed || track !== undefined))
    throw invalid("tracks is for framed mode, and not beside track");
  if (delivery === "reliable" && !framed)
    throw invalid("reliable needs the subprotocol roomcast.v1: it lives on credit");
  const named = tracks?.split(",") ?? (framed && track === undefined ? null : [track ?? DEFAULT_TRACK]);
  if (named !== null && (named.length > MAX_TRACKS || !named.every(isTrackName)))
    throw invalid("tracks: no list of names");
  const names = named ?? claims.tracks ?? null;
  demand(claims, "subscribe", names ?? [undefined]);
  const subscription = { framed, tracks: names, start: parseStart(query.start), delivery };
  return { role: "subscribe", who: whoOf(claims), subscription };
}

function demand(claims: Claims, right: Right, tracks: readonly (string | undefined)[]): void {
  if (tracks.every((track) => allows(claims, right, track))) return;
  throw new Problem("forbidden", `the token lacks the right to ${right} here`);
}

function whoOf(claims: Claims): Who {
  return { subject: claims.sub, jti: claims.jti, issuedAt: claims.iat, expiresAt: claims.exp };
}

function invalid(detail: string): Problem {
  return new Problem("invalid_request", detail);
}
