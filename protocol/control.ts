// Control messages: the text side of framed mode. Everything that arrives is `unknown` until a parser here has returned
// it.
import { ProtocolError } from "./errors.ts";
import { MAX_CONTROL_BYTES, MAX_ROOM_TEXT_BYTES, MAX_TRACKS } from "./limits.ts";
import { address, body, delivery, message, presence } from "./messages.ts";
import { isFormat, isTrackName } from "./names.ts";
import { integer, object, oneOf, orNull, text, truth, typeOf, type Variant, variant } from "./shape.ts";

/** The runtime itself answers it, without waking the room. */
export const PING = "ping";
/** The answer to `ping`. */
export const PONG = "pong";

const count = integer(0);
const track = integer(0, MAX_TRACKS - 1);
const name = text(isTrackName);
const epoch = text((one) => /^[a-z0-9]{1,32}$/.test(one));
const format = text(isFormat);

/** Reasons why a subscriber did not get a range. */
export const GAP_REASONS = ["lagged", "history", "epoch", "ingest", "relay", "unknown"] as const;
/** One of these reasons. */
export type GapReason = (typeof GAP_REASONS)[number];

const FROM_ROOM = {
  /** First message of every connection. `reconnectMs`: see rule R2; the newest value applies. */
  welcome: object({ connection: text(), room: text(), now: count }, { reconnectMs: count }),
  /**
   * To a publisher, after `welcome`: continue at `sequence` of `epoch`. `init` asks for the initialisation data again.
   */
  publish: object({ track, name, epoch, sequence: count, window: count, init: truth }),
  /** To a publisher: everything below `sequence` is in the room. `window` further bytes may be on their way. */
  ack: object({ sequence: count, window: count }),
  /** To a publisher: the room has lost the initialisation data; send it again (type 2). */
  init: object({}),
  /**
   * To a subscriber: frames with number `track` now belong to `name` and `epoch`; the next sequence is `sequence`.
   * Without `format`: unknown.
   */
  track: object({ track, name, epoch, sequence: count }, { format }),
  /** To a subscriber: the format of the epoch has changed; null: unknown. */
  format: object({ name, epoch, format: orNull(format) }),
  /** To a subscriber: frames `from` to `to` (inclusive; null: up to the end of that epoch) will not come. */
  gap: object({ name, epoch, from: count, to: orNull(count), reason: oneOf(GAP_REASONS) }),
  /** To a subscriber: all earlier frames came from the past; later frames are live. */
  "caught-up": object({ name, epoch, sequence: count }),
  source: object({ name, state: oneOf(["online", "offline"]) }),
  occupancy: object({ subscribers: count, publishers: count }, { reconnectMs: count }),
  presence,
  message,
  delivery,
};

const FROM_CLIENT = {
  /** From a publisher: answer with an `ack` now. All frames below `sequence` were sent on this connection or before. */
  sync: object({ sequence: count }),
  /** From a publisher: frames `from` to `to` were dropped before they reached the room. */
  gap: object({ from: count, to: count, reason: oneOf(["ingest"]) }),
  /** From a publisher: the format of its track. */
  format: object({ format }),
  /** From a `reliable` subscriber: the room may send this many further bytes. */
  credit: object({ bytes: integer(1) }),
  /** From a member: a message to others. The `delivery` that answers it contains the `id`. */
  message: object({ body }, { id: count, to: address }),
};

/** M2: texts that begin like this may be longer than others. */
const LONG = /^\{"type":"(?:message|presence)",/;

/** A room's text message: one of the messages of PROTOCOL.md, sections C and M, by its `type`. */
export type ServerMessage = Variant<typeof FROM_ROOM>;
/** A client's text message, except `ping`, by its `type`. */
export type ClientMessage = Variant<typeof FROM_CLIENT>;

/**
 * Parses a room's text message; throws `ProtocolError`. Returns undefined for types that this version does not know.
 */
export function parseServerMessage(text: string): ServerMessage | undefined {
  const value = parseJson(text, LONG.test(text) ? MAX_ROOM_TEXT_BYTES : MAX_CONTROL_BYTES);
  const message = variant(FROM_ROOM, value);
  const type = typeOf(value);
  if (message !== undefined || (type !== undefined && !Object.hasOwn(FROM_ROOM, type))) return message;
  throw new ProtocolError("control_invalid", "a control message has a missing or wrong field");
}

/** Parses a client's text message; throws `ProtocolError`. */
export function parseClientMessage(text: string): ClientMessage {
  const message = variant(FROM_CLIENT, parseJson(text, MAX_CONTROL_BYTES));
  if (message !== undefined) return message;
  throw new ProtocolError("control_invalid", "a control message has a missing or wrong field or an unknown type");
}

const encoder = new TextEncoder();

function parseJson(text: string, maxBytes: number): unknown {
  if (text.length > maxBytes || (text.length * 3 > maxBytes && encoder.encode(text).byteLength > maxBytes)) {
    throw new ProtocolError("message_too_large", `a text message may have at most ${maxBytes} bytes`);
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ProtocolError("control_not_json", "a text message must be JSON", { cause });
  }
}
