// Stored attachments: with the version of their form, and validated when they are read.
import { GAP_REASONS } from "../../protocol/control.ts";
import type { Position, Start } from "../../protocol/position.ts";
import {
  type Ancestor,
  type Attachment,
  type CursorState,
  DELIVERIES,
  type LinkedTrack,
  type SavedCursor,
  type Subscription,
  type Who,
} from "./attachment.ts";
import { flag, listOf, Malformed, number, oneOf, optional, orNull, record, text, whole } from "./checked.ts";
import { REGIONS } from "./region.ts";

/**
 * The version of the form that this code writes. Attachments from before versions existed have none, and the same form.
 */
export const ATTACHMENT_VERSION = 1;

/** The attachment as a value to store. */
export function versioned(attachment: Attachment): object {
  return { v: ATTACHMENT_VERSION, ...attachment };
}

/** A stored attachment; undefined: it is broken or has an unknown form, so the connection is lost, too. */
export function parseAttachment(value: unknown): Attachment | undefined {
  try {
    const saved = record(value);
    if (saved.v !== undefined && saved.v !== ATTACHMENT_VERSION) return undefined;
    if (saved.role === "link") return link(saved);
    return saved.role === "publisher" ? publisher(saved) : subscriber(saved);
  } catch (error) {
    if (error instanceof Malformed) return undefined;
    throw error;
  }
}

type Fields = Readonly<Record<string, unknown>>;

function publisher(saved: Fields): Attachment {
  return {
    role: "publisher",
    id: text(saved.id),
    who: who(saved.who),
    track: text(saved.track),
    number: whole(saved.number),
    epoch: text(saved.epoch),
    mayReach: reach(saved.mayReach),
    ...optional(saved, "format", text),
  };
}

function link(saved: Fields): Attachment {
  return {
    role: "link",
    id: text(saved.id),
    generation: whole(saved.generation),
    tracks: listOf(linkedTrack)(saved.tracks),
  };
}

/** A track of a link. Throws `Malformed`. */
export function linkedTrack(value: unknown): LinkedTrack {
  const said = record(value);
  const source = oneOf(["online", "offline"])(said.source);
  const [name, number, epoch] = [text(said.name), whole(said.number), text(said.epoch)];
  return { name, number, epoch, source, ...optional(said, "format", text) };
}

function subscriber(saved: Fields): Attachment {
  return {
    role: oneOf(["subscriber"])(saved.role),
    id: text(saved.id),
    who: who(saved.who),
    subscription: subscription(saved.subscription),
    credit: orNull(number)(saved.credit),
    cursors: listOf(cursor)(saved.cursors),
  };
}

/** A sequence; infinite if a publisher did not say how far it had sent. */
function reach(value: unknown): number {
  return value === Number.POSITIVE_INFINITY ? value : whole(value);
}

/** The owner of a connection. Throws `Malformed`. */
export function who(value: unknown): Who {
  const said = record(value);
  return {
    subject: said.subject === undefined ? undefined : text(said.subject),
    jti: orNull(text)(said.jti),
    issuedAt: number(said.issuedAt),
    expiresAt: orNull(number)(said.expiresAt),
    ...optional(said, "label", text),
    ...optional(said, "mayMessage", flag),
    ...optional(said, "ancestors", listOf(ancestor)),
  };
}

function ancestor(value: unknown): Ancestor {
  const { subject, jti, issuedAt } = record(value);
  return { subject: subject === undefined ? undefined : text(subject), jti: text(jti), issuedAt: number(issuedAt) };
}

function subscription(value: unknown): Subscription {
  const said = record(value);
  return {
    framed: flag(said.framed),
    tracks: orNull(listOf(text))(said.tracks),
    start: start(said.start),
    delivery: oneOf(DELIVERIES)(said.delivery),
    ...optional(said, "pingMs", number),
    ...optional(said, "region", oneOf(REGIONS)),
  };
}

function start(value: unknown): Start {
  const said = record(value);
  const at = oneOf(["group", "live", "rewind", "position"])(said.at);
  switch (at) {
    case "group":
    case "live":
      return { at };
    case "rewind":
      return { at, seconds: number(said.seconds) };
    case "position": {
      const positions = listOf((one) => ({ ...position(one), track: orNull(text)(record(one).track) }))(said.positions);
      return { at, positions };
    }
  }
}

function position(value: unknown): Position {
  const { epoch, sequence } = record(value);
  return { epoch: text(epoch), sequence: whole(sequence) };
}

function cursor(value: unknown): SavedCursor {
  const saved = record(value);
  return {
    name: text(saved.name),
    number: whole(saved.number),
    epoch: text(saved.epoch),
    told: orNull(text)(saved.told),
    state: cursorState(saved.state),
  };
}

function cursorState(value: unknown): CursorState {
  const saved = record(value);
  const at = oneOf(["seeking", "resuming", "flowing", "paused"])(saved.at);
  switch (at) {
    case "seeking": {
      const [from, reason] = [orNull(whole)(saved.from), oneOf(GAP_REASONS)(saved.reason)];
      return { at, from, reason, notBefore: whole(saved.notBefore) };
    }
    case "resuming":
      return { at, position: position(saved.position) };
    case "flowing":
      return { at, cursor: orNull(whole)(saved.cursor), strict: flag(saved.strict) };
    case "paused":
      return { at, cursor: whole(saved.cursor), strict: flag(saved.strict) };
  }
}
