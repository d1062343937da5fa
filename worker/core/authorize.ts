// Rights: the request of a connection, the grant of a credential, and whether the grant covers the request.
import type { Claims, Right } from "../../protocol/claims.ts";
import { MAX_TOKEN_ANCESTORS } from "../../protocol/limits.ts";
import type { Position, Start } from "../../protocol/position.ts";
import type { Delivery, Publication, Subscription, Who } from "./attachment.ts";
import { isRefusal, type Refusal, refusal } from "./refusal.ts";

/** The grant of a credential: the rights, and their tracks (null: all). */
export interface Grant {
  readonly who: Who;
  readonly can: readonly Right[];
  readonly tracks: readonly string[] | null;
}

/** The parsed query of a WebSocket. */
export type Asked =
  | {
      readonly role: "publish";
      readonly label: string | null;
      readonly track: string;
      readonly resume: Position | null;
      /** The number of frames that it has sent from there on; null: unknown. */
      readonly unacknowledged: number | null;
      readonly takeover: boolean;
      readonly format?: string | undefined;
    }
  | {
      readonly role: "subscribe";
      readonly label: string | null;
      readonly framed: boolean;
      /** null: all tracks that it may have. */
      readonly tracks: readonly string[] | null;
      readonly start: Start;
      /** null: the room's default. */
      readonly delivery: Delivery | null;
      /** How soon after a pong it pings while it receives; null: unknown. */
      readonly pingMs?: number | null;
    };

/** An admitted connection, and its role. */
export type Join =
  | { readonly role: "publish"; readonly who: Who; readonly publication: Publication }
  | { readonly role: "subscribe"; readonly who: Who; readonly subscription: Subscription };

/** The grant of a token's claims. */
export function grantOf(claims: Claims): Grant {
  const { sub, jti, iat, exp, can, tracks = null, via } = claims;
  const ancestors = via?.map((one) => ({ jti: one.jti, subject: one.sub, issuedAt: one.iat }));
  return { who: { subject: sub, jti, issuedAt: iat, expiresAt: exp, ...(ancestors && { ancestors }) }, can, tracks };
}

/** The grant of a public room for clients without a token. */
export function publicGrant(now: number): Grant {
  const who = { subject: undefined, jti: null, issuedAt: Math.floor(now / 1000), expiresAt: null };
  return { who, can: ["subscribe"], tracks: null };
}

/** True if the grant has `right`, on `track` if there is one. `admin` includes everything. */
export function grants(grant: Grant, right: Right, track?: string): boolean {
  const has = grant.can.includes(right) || grant.can.includes("admin");
  return has && (track === undefined || grant.tracks === null || grant.tracks.includes(track));
}

/** The part of a grant with only the given rights and tracks; `Refusal` if the grant does not have them. */
export function narrow(grant: Grant, can: readonly Right[], tracks: readonly string[] | null): Grant | Refusal {
  const wanted = tracks ?? grant.tracks;
  const covered = can.every((right) => (wanted ?? [undefined]).every((track) => grants(grant, right, track)));
  return covered
    ? { who: grant.who, can, tracks: wanted }
    : refusal("forbidden", "the token does not have all of these rights");
}

/**
 * The claims of a token that is minted with `grant`: it is limited by the grant's expiry and revocation. The operator's
 * key limits nothing.
 */
export function lineage({ who }: Grant): { readonly via: Claims["via"]; readonly until: number } | Refusal {
  if (who.jti === null) return { via: undefined, until: Number.POSITIVE_INFINITY };
  const via = [...(who.ancestors ?? []), who].map(({ jti, subject, issuedAt }) => ({
    jti: jti ?? "",
    iat: issuedAt,
    ...(subject !== undefined && { sub: subject }),
  }));
  if (via.length > MAX_TOKEN_ANCESTORS) return refusal("forbidden", "the chain of minted tokens is too long");
  return { via, until: who.expiresAt ?? Number.POSITIVE_INFINITY };
}

/**
 * Checks the request against the grant. If it is allowed, returns the join, with the room's `delivery` if the request
 * names none.
 */
export function permit(asked: Asked, grant: Grant, delivery: Delivery): Join | Refusal {
  const tracks = asked.role === "publish" ? [asked.track] : (asked.tracks ?? grant.tracks);
  if (!(tracks ?? [undefined]).every((track) => grants(grant, asked.role, track))) {
    return refusal("forbidden", `the credential does not give the right to ${asked.role} here`);
  }
  const who = ownerOf(grant, asked.label ?? undefined);
  if (asked.role === "publish") {
    const { track, resume, unacknowledged, takeover, format } = asked;
    const publication = { track, resume, unacknowledged, takeover, ...(format !== undefined && { format }) };
    return { role: "publish", who, publication };
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

/**
 * `reliable` is a right, and needs framed mode for its credit. If only the room's default is `reliable`, clients
 * without the right get `live`.
 */
function deliveryOf(asked: Asked & { role: "subscribe" }, mayHold: boolean, delivery: Delivery): Delivery | Refusal {
  if (asked.delivery === "reliable" && !mayHold) return refusal("forbidden", "reliable needs the right reliable");
  if (asked.delivery !== null) return asked.delivery;
  return delivery === "reliable" && !(asked.framed && mayHold) ? "live" : delivery;
}

/** The rights that a connection has and uses. */
export interface Usage {
  readonly role: "publish" | "subscribe";
  readonly who: Who;
  /** null: all. */
  readonly tracks: readonly string[] | null;
  readonly reliable: boolean;
}

/**
 * Decides whether a connection may continue with another token. Only its owner may do this: the subject must be the
 * same. Without a subject, knowing the connection's id is the proof, unless the room tells its members of each other
 * (`idsAreTold`).
 */
export function renewal({ role, who, tracks, reliable }: Usage, grant: Grant, idsAreTold: boolean): Who | Refusal {
  if (who.jti === null) return refusal("forbidden", "the connection has no token");
  if (grant.who.jti === null) return refusal("forbidden", "the operator's key cannot open a WebSocket");
  const { subject } = grant.who;
  if (subject !== who.subject) return refusal("forbidden", "the token and the connection have different subjects");
  if (subject === undefined && idsAreTold)
    return refusal("forbidden", "in this room, renewal needs tokens with a subject");
  const covered = (tracks ?? [undefined]).every((track) => grants(grant, role, track));
  if (!covered || (tracks === null && grant.tracks !== null) || (reliable && !grants(grant, "reliable"))) {
    return refusal("forbidden", "the token lacks rights that the connection uses");
  }
  return ownerOf(grant, who.label);
}

function ownerOf(grant: Grant, label: string | undefined): Who {
  return { ...grant.who, mayMessage: grants(grant, "message"), ...(label !== undefined && { label }) };
}
