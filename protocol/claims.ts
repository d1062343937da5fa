// What a token says: the claims of a JWT (HS256), and what they allow.
import * as z from "zod/mini";
import { isRoomId, isTrackName } from "./names.ts";

/** What somebody may do in a room. `admin` may everything. */
export const RIGHTS = ["subscribe", "publish", "message", "admin"] as const;
export type Right = (typeof RIGHTS)[number];

const seconds = z.int().check(z.nonnegative());

/** The claims of a token. Times are seconds since 1970, as in RFC 7519. */
export const claimsSchema = z.object({
  /** A room id, or `*` for operators. */
  room: z.string().check(z.refine((text) => text === "*" || isRoomId(text))),
  can: z.array(z.enum(RIGHTS)).check(z.minLength(1), z.maxLength(RIGHTS.length)),
  /** Limits the rights to these tracks. */
  tracks: z.exactOptional(z.array(z.string().check(z.refine(isTrackName))).check(z.minLength(1), z.maxLength(16))),
  sub: z.exactOptional(z.string().check(z.minLength(1), z.maxLength(128))),
  jti: z.string().check(z.minLength(1), z.maxLength(64)),
  iat: seconds,
  exp: seconds,
  nbf: z.exactOptional(seconds),
});
export type Claims = z.infer<typeof claimsSchema>;

/** Are these claims for this room? */
export function isForRoom(claims: Claims, room: string): boolean {
  return claims.room === "*" || claims.room === room;
}

/** Do these claims allow `right`, on `track` where one is named? */
export function allows(claims: Claims, right: Right, track?: string): boolean {
  const has = claims.can.includes(right) || claims.can.includes("admin");
  return has && (track === undefined || claims.tracks === undefined || claims.tracks.includes(track));
}
