// The query of an upgrade request, parsed.
import * as z from "zod/mini";
import { ProtocolError } from "../protocol/errors.ts";
import { MAX_TRACKS } from "../protocol/limits.ts";
import { isLabel } from "../protocol/messages.ts";
import { DEFAULT_TRACK, isFormat, isTrackName } from "../protocol/names.ts";
import { parsePosition, parseStart } from "../protocol/position.ts";
import { faultsOf } from "./body.ts";
import { DELIVERIES } from "./core/attachment.ts";
import type { Asked } from "./core/authorize.ts";
import { Problem } from "./problem.ts";

const trackName = z.string().check(z.refine(isTrackName, "is not a valid track name"));
const flag = z.optional(z.enum(["0", "1"]));

const querySchema = z.strictObject({
  role: z._default(z.enum(["publish", "subscribe"]), "subscribe"),
  track: z.optional(trackName),
  tracks: z.optional(z.string().check(z.maxLength(2048))),
  start: z._default(z.string().check(z.maxLength(2048)), "group"),
  delivery: z.optional(z.enum(DELIVERIES)),
  resume: z.optional(z.string().check(z.maxLength(64))),
  unacknowledged: z.optional(z.string().check(z.regex(/^\d{1,16}$/))),
  takeover: flag,
  format: z.optional(z.string().check(z.refine(isFormat, "is not a valid format"))),
  label: z.optional(z.string().check(z.refine(isLabel, "is not a valid label"))),
  /** Within the bounds of C2. */
  ping: z.optional(z.string().check(z.regex(/^([1-9]\d{2,3}|10000)$/))),
  /** Read together with the credential. */
  ticket: z.optional(z.string()),
});
type Query = z.infer<typeof querySchema>;

/** Parameters with this prefix belong to the client, such as a player's cache buster. Their values are ignored. */
const OF_CLIENT = "_";

/** Parses the query; throws `Problem`. */
export function parseJoin(search: URLSearchParams, framed: boolean): Asked {
  const query = Object.fromEntries([...search].filter(([name]) => !name.startsWith(OF_CLIENT)));
  const result = querySchema.safeParse(query);
  if (!result.success) throw invalid(faultsOf(result.error, query));
  try {
    return result.data.role === "publish" ? publish(result.data, framed) : subscribe(result.data, framed);
  } catch (error) {
    if (error instanceof ProtocolError) throw invalid(error.message);
    throw error;
  }
}

function publish(query: Query, framed: boolean): Asked {
  const { track = DEFAULT_TRACK, resume, unacknowledged, takeover, format, label } = query;
  if (!framed) throw invalid("a publisher must offer the subprotocol roomcast.v1");
  return {
    role: "publish",
    label: label ?? null,
    track,
    resume: resume === undefined ? null : parsePosition(resume),
    unacknowledged: unacknowledged === undefined ? null : Number(unacknowledged),
    takeover: takeover === "1",
    format,
  };
}

function subscribe({ track, tracks, delivery, start, label, ping }: Query, framed: boolean): Asked {
  if (tracks !== undefined && (!framed || track !== undefined))
    throw invalid("tracks needs framed mode, and excludes track");
  if (delivery === "reliable" && !framed)
    throw invalid("reliable needs the subprotocol roomcast.v1, because it uses credit");
  const named = tracks?.split(",") ?? (framed && track === undefined ? null : [track ?? DEFAULT_TRACK]);
  if (named !== null && (named.length > MAX_TRACKS || !named.every(isTrackName)))
    throw invalid("tracks: is not a list of names");
  return {
    role: "subscribe",
    label: label ?? null,
    framed,
    tracks: named,
    start: parseStart(start),
    delivery: delivery ?? null,
    pingMs: ping === undefined ? null : Number(ping),
  };
}

function invalid(detail: string): Problem {
  return new Problem("invalid_request", detail);
}
