// What somebody who opens a WebSocket asks for: the query of the upgrade request, parsed.
import * as z from "zod/mini";
import { ProtocolError } from "../protocol/errors.ts";
import { MAX_TRACKS } from "../protocol/limits.ts";
import { isLabel } from "../protocol/messages.ts";
import { DEFAULT_TRACK, isTrackName } from "../protocol/names.ts";
import { parsePosition, parseStart } from "../protocol/position.ts";
import { faultsOf } from "./body.ts";
import { DELIVERIES } from "./core/attachment.ts";
import type { Asked } from "./core/authorize.ts";
import { Problem } from "./problem.ts";

const trackName = z.string().check(z.refine(isTrackName, "is no track name"));
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
  label: z.optional(z.string().check(z.refine(isLabel, "is no label"))),
  /** At most as C2 has it. */
  ping: z.optional(z.string().check(z.regex(/^([1-9]\d{2,3}|10000)$/))),
  /** Read with the credential. */
  ticket: z.optional(z.string()),
});
type Query = z.infer<typeof querySchema>;

/** Parses the query; throws `Problem`. */
export function parseJoin(search: URLSearchParams, framed: boolean): Asked {
  const result = querySchema.safeParse(Object.fromEntries(search));
  if (!result.success) throw invalid(faultsOf(result.error).slice(0, 500));
  try {
    return result.data.role === "publish" ? publish(result.data, framed) : subscribe(result.data, framed);
  } catch (error) {
    if (error instanceof ProtocolError) throw invalid(error.message);
    throw error;
  }
}

function publish({ track = DEFAULT_TRACK, resume, unacknowledged, takeover, label }: Query, framed: boolean): Asked {
  if (!framed) throw invalid("a publisher offers the subprotocol roomcast.v1");
  return {
    role: "publish",
    label: label ?? null,
    track,
    resume: resume === undefined ? null : parsePosition(resume),
    unacknowledged: unacknowledged === undefined ? null : Number(unacknowledged),
    takeover: takeover === "1",
  };
}

function subscribe({ track, tracks, delivery, start, label, ping }: Query, framed: boolean): Asked {
  if (tracks !== undefined && (!framed || track !== undefined))
    throw invalid("tracks is for framed mode, and not beside track");
  if (delivery === "reliable" && !framed)
    throw invalid("reliable needs the subprotocol roomcast.v1: it lives on credit");
  const named = tracks?.split(",") ?? (framed && track === undefined ? null : [track ?? DEFAULT_TRACK]);
  if (named !== null && (named.length > MAX_TRACKS || !named.every(isTrackName)))
    throw invalid("tracks: no list of names");
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
