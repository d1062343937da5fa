// The messages between parent and relay in addition to those of a subscriber (section L). They are parsed before use.
import { ProtocolError } from "./errors.ts";
import { MAX_LINK_TEXT_BYTES, MAX_TRACKS } from "./limits.ts";
import { member } from "./messages.ts";
import { isTrackName } from "./names.ts";
import {
  integer,
  listOf,
  object,
  type Shape,
  type Shaped,
  text,
  textUpTo,
  typeOf,
  type Variant,
  variant,
} from "./shape.ts";

/** The versions of the link that this code speaks. Each release also speaks the version of the previous release. */
export const LINK_VERSIONS = { least: 1, most: 1 } as const;

/** A range of versions. */
export interface Versions {
  readonly least: number;
  readonly most: number;
}

/** The newest version that both sides speak; undefined if there is none. */
export function commonVersion(one: Versions, other: Versions): number | undefined {
  const version = Math.min(one.most, other.most);
  return version >= Math.max(one.least, other.least) ? version : undefined;
}

const count = integer(0);
const track = text(isTrackName);
const epoch = text((one) => /^[a-z0-9]{1,32}$/.test(one));
const load = object({ id: textUpTo(128), subscribers: count, sendsPerSecond: count, queuedBytes: count });

const positions = listOf(object({ track, epoch, sequence: count }), MAX_TRACKS);

const FROM_RELAY = {
  /** The first message: the relay's positions in the tracks that it knows. The parent continues there. */
  attach: object({ version: count, positions }),
  /**
   * The loads of the relay and of the relays below it, each by its id. `present`: the members that presence names, if
   * they changed.
   */
  load: object({ loads: listOf(load) }, { present: listOf(member) }),
  /** The relay has lost the track's init: send it again, with the next frame. */
  init: object({ track }),
  /** The answer to `park`: the relay has stored its positions. */
  parked: object({}),
};

const FROM_PARENT = {
  /**
   * No data has come for a while: store these positions. The link then ends. A relay that has slept meanwhile does not
   * know them.
   */
  park: object({ positions }),
  /** The frames of the next message were received this many ms ago. */
  past: object({ ms: count }),
};

/** The load of a relay, or of a relay below it. */
export type ReportedLoad = Shaped<typeof load>;
/** A message from a relay. */
export type RelayMessage = Variant<typeof FROM_RELAY>;
/** A message that only a parent sends. */
export type ParentMessage = Variant<typeof FROM_PARENT>;

/**
 * Parses a message from a relay; throws `ProtocolError`. Returns undefined for types that this version does not know.
 */
export function parseRelayMessage(text: string): RelayMessage | undefined {
  return parse(FROM_RELAY, text);
}

/** Parses a message that only a parent sends; undefined if it is another message. */
export function parseParentMessage(text: string): ParentMessage | undefined {
  return text.startsWith('{"type":"pa') ? parse(FROM_PARENT, text) : undefined;
}

function parse<V extends Readonly<Record<string, Shape<object>>>>(variants: V, text: string): Variant<V> | undefined {
  if (text.length > MAX_LINK_TEXT_BYTES) throw new ProtocolError("message_too_large", "a link's text is too large");
  const value = jsonOf(text);
  const message = variant(variants, value);
  const type = typeOf(value);
  if (message !== undefined || (type !== undefined && !Object.hasOwn(variants, type))) return message;
  throw new ProtocolError("control_invalid", "a link's message has a missing or wrong field");
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ProtocolError("control_not_json", "a link's text must be JSON", { cause });
  }
}
