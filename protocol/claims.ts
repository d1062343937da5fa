// The contents of a token: the claims of a JWT (HS256), and the rights that they grant.
import * as z from "zod/mini";
import { MAX_SUBJECT_CHARS, MAX_TOKEN_ANCESTORS } from "./limits.ts";
import { isRoomId, isTrackName } from "./names.ts";

/** The rights in a room. `reliable`: hold the publisher back while reading. `admin` includes all of them. */
export const RIGHTS = ["subscribe", "publish", "message", "reliable", "admin"] as const;
export type Right = (typeof RIGHTS)[number];

const seconds = z.int().check(z.nonnegative());
const subject = z.string().check(z.minLength(1), z.maxLength(MAX_SUBJECT_CHARS));
const jti = z.string().check(z.minLength(1), z.maxLength(64));

/** A token that another token was minted with, with the claims by which it can be revoked. */
const ancestorSchema = z.object({ jti, iat: seconds, sub: z.exactOptional(subject) });

/** The claims of a token. Times are seconds since 1970, as in RFC 7519. */
export const claimsSchema = z.object({
  /** A room id, or `*` for operators. */
  room: z.string().check(z.refine((text) => text === "*" || isRoomId(text))),
  can: z.array(z.enum(RIGHTS)).check(z.minLength(1), z.maxLength(RIGHTS.length)),
  /** Limits the rights to these tracks. */
  tracks: z.exactOptional(z.array(z.string().check(z.refine(isTrackName))).check(z.minLength(1), z.maxLength(16))),
  sub: z.exactOptional(subject),
  jti,
  iat: seconds,
  exp: seconds,
  nbf: z.exactOptional(seconds),
  /** Marks a reusable ticket: it opens WebSockets until this time, and only in `?ticket=`. */
  ticketUntil: z.exactOptional(seconds),
  /** The tokens that it was minted through, the first one first. If one of them is revoked, so is this token. */
  via: z.exactOptional(z.array(ancestorSchema).check(z.minLength(1), z.maxLength(MAX_TOKEN_ANCESTORS))),
});
export type Claims = z.infer<typeof claimsSchema>;

/** Returns true if these claims are for this room. */
export function isForRoom(claims: Claims, room: string): boolean {
  return claims.room === "*" || claims.room === room;
}
