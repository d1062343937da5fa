// Talk between members: addresses, messages, what became of them, and who is present.
import * as z from "zod/mini";
import { MAX_BODY_DEPTH, MAX_LABEL_CHARS } from "./limits.ts";

const count = z.int().check(z.nonnegative());
const subject = z.string().check(z.minLength(1), z.maxLength(128));
const connection = z.string().check(z.minLength(1), z.maxLength(64));

/** Whom a message is for: everybody, one connection, or all connections of a user. */
export const addressSchema = z.union([z.literal("all"), z.strictObject({ connection }), z.strictObject({ subject })]);
export type Address = z.infer<typeof addressSchema>;

/** Letters, digits, punctuation and spaces: no control characters, and none that turn the text around. */
export function isLabel(text: string): boolean {
  return text.length > 0 && text.length <= MAX_LABEL_CHARS && !/[\p{C}\p{Zl}\p{Zp}]/u.test(text);
}

/** Any JSON that nests no deeper than those who read and write it can: a stack that overflows is nobody's mistake but ours. */
export const bodySchema = z.custom<z.core.util.JSONType>(
  (value) => value !== undefined && nests(value, MAX_BODY_DEPTH),
);

/** Does what came from JSON nest at most so deep? */
function nests(value: unknown, depth: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  return depth > 0 && Object.values(value).every((inner) => nests(inner, depth - 1));
}

/** A connection as the others see it. `subject` is the token's word, `label` its own. */
export const memberSchema = z.object({
  connection: z.string(),
  role: z.enum(["publish", "subscribe"]),
  subject: z.nullable(z.string()),
  label: z.nullable(z.string()),
});
export type MemberInfo = z.infer<typeof memberSchema>;

/** Who came and went; `full`: who is there, forget what you knew. `total` counts those that are not named too. */
export const presenceSchema = z.object({
  type: z.literal("presence"),
  full: z.boolean(),
  joined: z.array(memberSchema),
  left: z.array(z.string()),
  total: count,
});

/** Where a message comes from; connection null: from an application, over HTTP. */
export const senderSchema = z.object({ connection: z.nullable(z.string()), subject: z.nullable(z.string()) });
export type Sender = z.infer<typeof senderSchema>;

/** A message that was delivered: `body`, or `bytes` in base64. */
export const messageSchema = z.object({
  type: z.literal("message"),
  from: senderSchema,
  body: z.exactOptional(bodySchema),
  bytes: z.exactOptional(z.string()),
});

/** Why a message went nowhere. */
export const UNDELIVERED = ["not_enabled", "no_right", "unknown_address", "too_fast", "too_large"] as const;
export type Undelivered = (typeof UNDELIVERED)[number];

/** What became of a member's message: to how many connections it went, and how many were too far behind for it. */
export const deliverySchema = z.object({
  type: z.literal("delivery"),
  id: z.nullable(count),
  connections: count,
  skipped: count,
  error: z.nullable(z.enum(UNDELIVERED)),
});
