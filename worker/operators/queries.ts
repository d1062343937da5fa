// Queries of the operators' API: validated, limited, with the positions of pages.
import * as z from "zod/mini";
import { isRoomId } from "../../protocol/names.ts";
import { faultsOf } from "../body.ts";
import { Problem } from "../problem.ts";
import type { DeliveryQuery } from "./deliveries.ts";
import type { RoomQuery, UsageQuery } from "./room-index.ts";

const MAX_PAGE = 500;

const limit = z.optional(z.string().check(z.regex(/^([1-9]\d?|[1-4]\d\d|500)$/)));
const room = z.optional(z.string().check(z.refine(isRoomId, "is not a valid room id")));
const day = z.optional(z.string().check(z.regex(/^\d{4}-\d{2}-\d{2}$/)));

const roomsQuery = z.strictObject({
  state: z.optional(z.enum(["live", "open", "closed", "expired"])),
  q: z.optional(z.string().check(z.minLength(1), z.maxLength(200))),
  after: room,
  limit,
});

const usageQuery = z.strictObject({
  room,
  from: day,
  to: day,
  after: z.optional(z.string().check(z.regex(/^\d{4}-\d{2}-\d{2}\/[\w-]{1,64}\/\d{1,16}$/))),
  limit,
});

const deliveriesQuery = z.strictObject({
  room,
  status: z.optional(z.enum(["waiting", "delivered", "dead"])),
  before: z.optional(z.string().check(z.regex(/^\d{1,16}\/[\w-]{1,128}$/))),
  limit,
});

const samplesQuery = z.strictObject({ room });

export function parseRooms(search: URLSearchParams): RoomQuery {
  const { state, q, after = "", limit: most } = parse(roomsQuery, search);
  const isLive = state === "live";
  return { status: isLive ? undefined : state, isLive, text: q, after, limit: Number(most ?? MAX_PAGE) };
}

/** Without days: the last thirty. */
export function parseUsageQuery(search: URLSearchParams, today: string): UsageQuery {
  const { room: of, from, to = today, after = "", limit: most } = parse(usageQuery, search);
  const [lastDay = "", lastRoom = "", created = "0"] = after.split("/");
  const begin = from ?? new Date(Date.parse(today) - 29 * 24 * 3_600_000).toISOString().slice(0, 10);
  return { from: begin, to, room: of, after: [lastDay, lastRoom, Number(created)], limit: Number(most ?? MAX_PAGE) };
}

export function parseDeliveries(search: URLSearchParams): DeliveryQuery {
  const { room: of, status, before, limit: most } = parse(deliveriesQuery, search);
  const [at = Number.MAX_SAFE_INTEGER, id = ""] = before?.split("/") ?? [];
  return { room: of, status, before: [Number(at), id], limit: Number(most ?? 100) };
}

export function parseSamples(search: URLSearchParams): string | undefined {
  return parse(samplesQuery, search).room;
}

function parse<T extends z.ZodMiniType>(schema: T, search: URLSearchParams): z.output<T> {
  const query = Object.fromEntries(search);
  const result = schema.safeParse(query);
  if (result.success) return result.data;
  throw new Problem("invalid_request", faultsOf(result.error, query));
}
