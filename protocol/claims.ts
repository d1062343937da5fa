// What a token says: the claims of a JWT (HS256), and what they allow.
import * as z from "zod/mini";
import { MAX_TOKEN_ANCESTORS } from "./limits.ts";
import { isRoomId, isTrackName } from "./names.ts";

/** What somebody may do in a room. `reliable`: hold the publisher back while it reads. `admin` may everything. */
export const RIGHTS = ["subscribe", "publish", "message", "reliable", "admin"] as const;
export type Right = (typeof RIGHTS)[number];

const seconds = z.int().check(z.nonnegative());
const subject = z.string().check(z.minLength(1), z.maxLength(128));
const jti = z.string().check(z.minLength(1), z.maxLength(64));

/** A token that another one was minted with: what it can be revoked by. */
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
  /** The tokens that it was minted through, the first one first: it falls with any of them. */
  via: z.exactOptional(z.array(ancestorSchema).check(z.minLength(1), z.maxLength(MAX_TOKEN_ANCESTORS))),
});
export type Claims = z.infer<typeof claimsSchema>;

/** Are these claims for this room? */
export function isForRoom(claims: Claims, room: string): boolean {
  return claims.room === "*" || claims.room === room;
}
