// Schemas of the operators' API: bodies and answers.
import * as z from "zod/mini";
import { USAGE_NAMES } from "../core/usage.ts";

const count = z.int().check(z.nonnegative());
const amount = z.number();
const dollars = z.number().check(z.nonnegative());
const next = z.nullable(z.string());

export const webhookBody = z.strictObject({ url: z.string().check(z.minLength(1), z.maxLength(2048)) });

/** The secret that signs requests to the address. It belongs to the room, whatever the address. */
export const webhookAnswer = z.strictObject({ url: z.nullable(z.string()), secret: z.string() });

export const usageFigures = z.object(Object.fromEntries(USAGE_NAMES.map((name) => [name, amount])));

/** Dollars (USD). `perHour`: at the pace of the last minute or two; `prices`: the date of the table. */
export const costAnswer = z.object({
  total: dollars,
  perHour: dollars,
  parts: z.record(z.string(), dollars),
  prices: z.string(),
  /** The start of counting, ms since 1970. */
  since: count,
  usage: usageFigures,
});

const indexedRoom = z.object({
  room: z.string(),
  title: z.string(),
  state: z.enum(["open", "closed", "expired"]),
  public: z.boolean(),
  createdAt: count,
  /** The time of its last report. */
  seenAt: count,
  /** The number of its last event. */
  number: count,
  subscribers: count,
  publishers: count,
  sources: z.array(z.object({ track: z.string(), online: z.boolean(), format: z.nullable(z.string()) })),
  relays: count,
  closed: z.record(z.string(), count),
  bytesPerSecondIn: count,
  cost: z.object({ total: dollars, perHour: dollars }),
});

export const roomsAnswer = z.object({ rooms: z.array(indexedRoom), next });

const dayOfUsage = z.object({
  room: z.string(),
  createdAt: count,
  day: z.string(),
  usage: usageFigures,
  cost: dollars,
});

export const usageAnswer = z.object({ usage: z.array(dayOfUsage), prices: z.string(), next });

export const samplesAnswer = z.object({
  samples: z.array(z.object({ minute: count, subscribers: count, bytesPerSecondIn: count })),
});

const deliveryOfEvent = z.object({
  id: z.string(),
  at: count,
  room: z.string(),
  createdAt: count,
  type: z.string(),
  owner: z.enum(["operator", "room"]),
  url: z.string(),
  status: z.enum(["waiting", "delivered", "dead"]),
  attempts: count,
  triedAt: z.nullable(count),
  /** The receiver's status, or why there was none. */
  answer: z.nullable(z.string()),
});

export const deliveriesAnswer = z.object({ deliveries: z.array(deliveryOfEvent), next });
