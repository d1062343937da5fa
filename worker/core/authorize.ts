// Coming in: what somebody asks for at the door, what a credential grants, and whether the one covers the other.
import type { Claims, Right } from "../../protocol/claims.ts";
import { MAX_TOKEN_ANCESTORS } from "../../protocol/limits.ts";
import type { Position, Start } from "../../protocol/position.ts";
import type { Delivery, Publication, Subscription, Who } from "./attachment.ts";
import { isRefusal, type Refusal, refusal } from "./refusal.ts";

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
      /** How soon after a pong it pings while it receives; null: it does not say. */
      readonly pingMs?: number | null;
    };

/** Who comes in, and as what. */
export type Join =
  | { readonly role: "publish"; readonly who: Who; readonly publication: Publication }
  | { readonly role: "subscribe"; readonly who: Who; readonly subscription: Subscription };

/** What the claims of a token give. */
export function grantOf(claims: Claims): Grant {
  const { sub, jti, iat, exp, can, tracks = null, via } = claims;
  const ancestors = via?.map((one) => ({ jti: one.jti, subject: one.sub, issuedAt: one.iat }));
  return { who: { subject: sub, jti, issuedAt: iat, expiresAt: exp, ...(ancestors && { ancestors }) }, can, tracks };
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

/** What a token says that is minted with `grant`: neither does it outlive it nor its revocation. The operator's key bounds nothing. */
export function lineage({ who }: Grant): { readonly via: Claims["via"]; readonly until: number } | Refusal {
  if (who.jti === null) return { via: undefined, until: Number.POSITIVE_INFINITY };
  const via = [...(who.ancestors ?? []), who].map(({ jti, subject, issuedAt }) => ({
    jti: jti ?? "",
    iat: issuedAt,
    ...(subject !== undefined && { sub: subject }),
  }));
  if (via.length > MAX_TOKEN_ANCESTORS) return refusal("forbidden", "too many tokens were minted one by another");
  return { via, until: who.expiresAt ?? Number.POSITIVE_INFINITY };
}

/** Is what was asked for within the grant? Then how it comes in, with the room's `delivery` where it named none. */
export function permit(asked: Asked, grant: Grant, delivery: Delivery): Join | Refusal {
  const tracks = asked.role === "publish" ? [asked.track] : (asked.tracks ?? grant.tracks);
  if (!(tracks ?? [undefined]).every((track) => grants(grant, asked.role, track))) {
    return refusal("forbidden", `the credential does not give the right to ${asked.role} here`);
  }
  const who = ownerOf(grant, asked.label ?? undefined);
  if (asked.role === "publish") {
    const { track, resume, unacknowledged, takeover } = asked;
    return { role: "publish", who, publication: { track, resume, unacknowledged, takeover } };
  }
  const { framed, start, pingMs } = asked;
  const chosen = deliveryOf(asked, grants(grant, "reliable"), delivery);
  if (isRefusal(chosen)) return chosen;
  return {
    role: "subscribe",
    who,
    subscription: { framed, tracks, start, delivery: chosen, ...(pingMs && { pingMs }) },
  };
}

/** `reliable` is a right, and needs framed mode for its credit: where only the room says so, `live` is what others get. */
function deliveryOf(asked: Asked & { role: "subscribe" }, mayHold: boolean, delivery: Delivery): Delivery | Refusal {
  if (asked.delivery === "reliable" && !mayHold) return refusal("forbidden", "reliable needs the right reliable");
  if (asked.delivery !== null) return asked.delivery;
  return delivery === "reliable" && !(asked.framed && mayHold) ? "live" : delivery;
}

/** What a connection has and uses. */
export interface Usage {
  readonly role: "publish" | "subscribe";
  readonly who: Who;
  /** null: all. */
  readonly tracks: readonly string[] | null;
  readonly reliable: boolean;
}

/**
 * Whose a connection is that goes on with another token. Nobody may touch what is not theirs: the subject is the same; where there is
 * none, knowing the connection's id shows it, unless the room names its members to each other (`idsAreTold`).
 */
export function renewal({ role, who, tracks, reliable }: Usage, grant: Grant, idsAreTold: boolean): Who | Refusal {
  if (who.jti === null) return refusal("forbidden", "the connection has no token");
  if (grant.who.jti === null) return refusal("forbidden", "the operator's key opens no WebSocket");
  const { subject } = grant.who;
  if (subject !== who.subject) return refusal("forbidden", "the token has another subject than the connection");
  if (subject === undefined && idsAreTold)
    return refusal("forbidden", "in this room renewal needs tokens with a subject");
  const covered = (tracks ?? [undefined]).every((track) => grants(grant, role, track));
  if (!covered || (tracks === null && grant.tracks !== null) || (reliable && !grants(grant, "reliable"))) {
    return refusal("forbidden", "the token does not give what the connection uses");
  }
  return ownerOf(grant, who.label);
}

function ownerOf(grant: Grant, label: string | undefined): Who {
  return { ...grant.who, mayMessage: grants(grant, "message"), ...(label !== undefined && { label }) };
}
