// Coming in: what somebody asks for at the door, what a credential grants, and whether the one covers the other.
import type { Claims, Right } from "../../protocol/claims.ts";
import type { Position, Start } from "../../protocol/position.ts";
import type { Delivery, Publication, Subscription, Who } from "./attachment.ts";
import { type Refusal, refusal } from "./refusal.ts";

/** What a credential gives: the rights, and on which tracks (null: all). */
export interface Grant {
  readonly who: Who;
  readonly can: readonly Right[];
  readonly tracks: readonly string[] | null;
}

/** What a WebSocket's query asks for, parsed. */
export type Asked =
  | {
      readonly role: "publish";
      readonly label: string | null;
      readonly track: string;
      readonly resume: Position | null;
      /** How many frames it has sent from there on; null: it does not say. */
      readonly unacknowledged: number | null;
      readonly takeover: boolean;
    }
  | {
      readonly role: "subscribe";
      readonly label: string | null;
      readonly framed: boolean;
      /** null: all that it may have. */
      readonly tracks: readonly string[] | null;
      readonly start: Start;
      /** null: as the room says. */
      readonly delivery: Delivery | null;
    };

/** Who comes in, and as what. */
export type Join =
  | { readonly role: "publish"; readonly who: Who; readonly publication: Publication }
  | { readonly role: "subscribe"; readonly who: Who; readonly subscription: Subscription };

/** What the claims of a token give. */
export function grantOf(claims: Claims): Grant {
  const { sub, jti, iat, exp, can, tracks = null } = claims;
  return { who: { subject: sub, jti, issuedAt: iat, expiresAt: exp }, can, tracks };
}

/** What a public room gives those who have no token. */
export function publicGrant(now: number): Grant {
  const who = { subject: undefined, jti: null, issuedAt: Math.floor(now / 1000), expiresAt: null };
  return { who, can: ["subscribe"], tracks: null };
}

/** Does the grant hold `right`, on `track` where one is named? `admin` may everything. */
export function grants(grant: Grant, right: Right, track?: string): boolean {
  const has = grant.can.includes(right) || grant.can.includes("admin");
  return has && (track === undefined || grant.tracks === null || grant.tracks.includes(track));
}

/** What is left of a grant where only some rights and tracks of it are wanted; `Refusal` where it does not have them. */
export function narrow(grant: Grant, can: readonly Right[], tracks: readonly string[] | null): Grant | Refusal {
  const wanted = tracks ?? grant.tracks;
  const covered = can.every((right) => (wanted ?? [undefined]).every((track) => grants(grant, right, track)));
  return covered ? { who: grant.who, can, tracks: wanted } : refusal("forbidden", "the token does not give so much");
}

/** Is what was asked for within the grant? Then how it comes in, with the room's `delivery` where it named none. */
export function permit(asked: Asked, grant: Grant, delivery: Delivery): Join | Refusal {
  const tracks = asked.role === "publish" ? [asked.track] : (asked.tracks ?? grant.tracks);
  if (!(tracks ?? [undefined]).every((track) => grants(grant, asked.role, track))) {
    return refusal("forbidden", `the credential does not give the right to ${asked.role} here`);
  }
  const mayMessage = grants(grant, "message");
  const who = { ...grant.who, mayMessage, ...(asked.label !== null && { label: asked.label }) };
  if (asked.role === "publish") {
    const { track, resume, unacknowledged, takeover } = asked;
    return { role: "publish", who, publication: { track, resume, unacknowledged, takeover } };
  }
  const { framed, start } = asked;
  // A plain subscriber cannot give credit.
  const chosen = asked.delivery ?? (delivery === "reliable" && !framed ? "live" : delivery);
  return { role: "subscribe", who, subscription: { framed, tracks, start, delivery: chosen } };
}
