// Messages between members: addresses, messages, deliveries, and presence.
import { MAX_BODY_DEPTH, MAX_CONNECTION_ID_CHARS, MAX_LABEL_CHARS, MAX_SUBJECT_CHARS } from "./limits.ts";
import { exactly, integer, listOf, object, oneOf, orNull, type Shape, text, textUpTo, truth } from "./shape.ts";

const connection = exactly(object({ connection: textUpTo(MAX_CONNECTION_ID_CHARS) }));
const subject = exactly(object({ subject: textUpTo(MAX_SUBJECT_CHARS) }));

/** The addressee of a message: everybody, one connection, or all connections of a user. */
export type Address = "all" | { connection: string } | { subject: string };

/** Reads an address. */
export const address: Shape<Address> = (value) => (value === "all" ? value : (connection(value) ?? subject(value)));

/**
 * Accepts letters, digits, punctuation and spaces, but no control characters and no characters that reverse the text.
 */
export function isLabel(text: string): boolean {
  return text.length > 0 && text.length <= MAX_LABEL_CHARS && !/[\p{C}\p{Zl}\p{Zp}]/u.test(text);
}

/** Any JSON value. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** Reads any JSON with limited nesting, so that no peer can overflow a reader's or a writer's stack. */
export const body: Shape<Json> = (value) => (nests(value, MAX_BODY_DEPTH) ? (value as Json | undefined) : undefined);

/** Returns true if a JSON value nests at most to `depth`. */
function nests(value: unknown, depth: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  return depth > 0 && Object.values(value).every((inner) => nests(inner, depth - 1));
}

/** A connection as other members see it. */
export interface MemberInfo {
  /** The connection's id. */
  connection: string;
  role: "publish" | "subscribe";
  /** The subject of its token; null if there is none. */
  subject: string | null;
  /** Its own label; null if there is none. */
  label: string | null;
}

/** Reads a member. */
export const member: Shape<MemberInfo> = object({
  connection: text(),
  role: oneOf(["publish", "subscribe"]),
  subject: orNull(text()),
  label: orNull(text()),
});

/**
 * The members that joined or left. `full`: discard your earlier list. `total` also counts the members that are not
 * named.
 */
export const presence = object({ full: truth, joined: listOf(member), left: listOf(text()), total: integer(0) });

/** The sender of a message. */
export interface Sender {
  /** The connection's id; null if an application sent the message over HTTP. */
  connection: string | null;
  /** The subject of its token; null if there is none. */
  subject: string | null;
}

const sender: Shape<Sender> = object({ connection: orNull(text()), subject: orNull(text()) });

/** A message that was delivered: `body`, or `bytes` in base64. */
export const message = object({ from: sender }, { body, bytes: text() });

/** Reasons why a message was not delivered. */
export const UNDELIVERED = ["not_enabled", "no_right", "unknown_address", "too_fast", "too_large"] as const;
/** One of these reasons. */
export type Undelivered = (typeof UNDELIVERED)[number];

/** The result of a member's message: the number of connections that got it, and the number that were too far behind. */
export const delivery = object({
  id: orNull(integer(0)),
  connections: integer(0),
  skipped: integer(0),
  error: orNull(oneOf(UNDELIVERED)),
});
