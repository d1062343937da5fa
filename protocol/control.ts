// Control messages: the text side of framed mode. Everything that arrives is unknown until a parser here returned it.
import * as z from "zod/mini";
import { ProtocolError } from "./errors.ts";
import { MAX_CONTROL_BYTES, MAX_ROOM_TEXT_BYTES, MAX_TRACKS } from "./limits.ts";
import { addressSchema, bodySchema, deliverySchema, messageSchema, presenceSchema } from "./messages.ts";
import { isTrackName } from "./names.ts";

/** Answered by the runtime itself, without waking the room. */
export const PING = "ping";
export const PONG = "pong";

const count = z.int().check(z.nonnegative());
const track = z.int().check(z.nonnegative(), z.lt(MAX_TRACKS));
const trackName = z.string().check(z.refine(isTrackName));
const epoch = z.string().check(z.regex(/^[a-z0-9]{1,32}$/));

/** Why a subscriber did not get a range. */
export const GAP_REASONS = ["lagged", "history", "epoch", "ingest", "unknown"] as const;
export type GapReason = (typeof GAP_REASONS)[number];

const serverSchema = z.discriminatedUnion("type", [
  /** First message of every connection. `reconnectMs`: see rule R2; its newest value counts. */
  z.object({
    type: z.literal("welcome"),
    connection: z.string(),
    room: z.string(),
    now: count,
    reconnectMs: z.exactOptional(count),
  }),
  /** To a publisher, after `welcome`: go on at `sequence` of `epoch`; `init` asks for the initialisation data again. */
  z.object({
    type: z.literal("publish"),
    track,
    name: trackName,
    epoch,
    sequence: count,
    window: count,
    init: z.boolean(),
  }),
  /** To a publisher: everything below `sequence` is in the room; `window` bytes may be on their way beyond it. */
  z.object({ type: z.literal("ack"), sequence: count, window: count }),
  /** To a publisher: send the initialisation data again (type 2), the room has lost it. */
  z.object({ type: z.literal("init") }),
  /** To a subscriber: frames with number `track` now belong to `name` and `epoch`; the next one is `sequence`. */
  z.object({ type: z.literal("track"), track, name: trackName, epoch, sequence: count }),
  /** To a subscriber: `from` to `to` (inclusive; null: as far as that epoch went) will not come. */
  z.object({
    type: z.literal("gap"),
    name: trackName,
    epoch,
    from: count,
    to: z.nullable(count),
    reason: z.enum(GAP_REASONS),
  }),
  /** To a subscriber: what came before was the past; from here on it is live. */
  z.object({ type: z.literal("caught-up"), name: trackName, epoch, sequence: count }),
  z.object({ type: z.literal("source"), name: trackName, state: z.enum(["online", "offline"]) }),
  z.object({
    type: z.literal("occupancy"),
    subscribers: count,
    publishers: count,
    reconnectMs: z.exactOptional(count),
  }),
  presenceSchema,
  messageSchema,
  deliverySchema,
]);

const clientSchema = z.discriminatedUnion("type", [
  /** From a publisher: answer with an `ack` now; all below `sequence` was sent on this connection or before. */
  z.object({ type: z.literal("sync"), sequence: count }),
  /** From a publisher: `from` to `to` were dropped before they reached the room. */
  z.object({ type: z.literal("gap"), from: count, to: count, reason: z.literal("ingest") }),
  /** From a `reliable` subscriber: so many more bytes may be sent. */
  z.object({ type: z.literal("credit"), bytes: z.int().check(z.positive()) }),
  /** From a member: `body` to others. `id` comes back in the `delivery` that answers. */
  z.object({
    type: z.literal("message"),
    id: z.exactOptional(count),
    to: z.exactOptional(addressSchema),
    body: bodySchema,
  }),
]);

/** M2: so begins a text that may be longer than others. */
const LONG = /^\{"type":"(?:message|presence)",/;

/** What a room says in text. */
export type ServerMessage = z.infer<typeof serverSchema>;
/** What a client says in text, `ping` apart. */
export type ClientMessage = z.infer<typeof clientSchema>;

/** Parses a room's text message; throws `ProtocolError`. Types that this version does not know give `undefined`. */
export function parseServerMessage(text: string): ServerMessage | undefined {
  const value = parseJson(text, LONG.test(text) ? MAX_ROOM_TEXT_BYTES : MAX_CONTROL_BYTES);
  const result = serverSchema.safeParse(value);
  if (result.success) return result.data;
  const known = serverSchema.def.options.some((option) =>
    option.shape.type.def.values.includes(typeOf(value) as never),
  );
  if (typeOf(value) !== undefined && !known) return undefined;
  throw new ProtocolError("control_invalid", "a control message lacks a field or has a wrong one");
}

/** Parses a client's text message; throws `ProtocolError`. */
export function parseClientMessage(text: string): ClientMessage {
  const result = clientSchema.safeParse(parseJson(text, MAX_CONTROL_BYTES));
  if (result.success) return result.data;
  throw new ProtocolError("control_invalid", "a control message lacks a field, has a wrong one or an unknown type");
}

const encoder = new TextEncoder();

function parseJson(text: string, maxBytes: number): unknown {
  if (text.length > maxBytes || (text.length * 3 > maxBytes && encoder.encode(text).byteLength > maxBytes)) {
    throw new ProtocolError("message_too_large", `a text message has at most ${maxBytes} bytes`);
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ProtocolError("control_not_json", "a text message is JSON", { cause });
  }
}

function typeOf(value: unknown): string | undefined {
  const type = typeof value === "object" && value !== null && "type" in value ? value.type : undefined;
  return typeof type === "string" ? type : undefined;
}
