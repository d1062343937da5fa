// The policy of a room: enough to decide on entry. It stores nothing, so a copy of it makes the same decisions
// anywhere.
import type { Who } from "./attachment.ts";
import { type Grant, publicGrant } from "./authorize.ts";
import { type Refusal, refusal } from "./refusal.ts";
import type { RoomSettings } from "./room-settings.ts";

/** The credential of a client. */
export type Credential =
  | { readonly by: "token"; readonly grant: Grant }
  | { readonly by: "ticket"; readonly id: string }
  | { readonly by: "none" };

/** A request's credential, which cannot be a ticket. */
export type ShownCredential = Exclude<Credential, { by: "ticket" }>;

/** Whether the room was created, and still exists. */
export type Existence = "never" | "open" | "closed";

/** Which tokens are revoked. */
export interface Revoked {
  covers(who: Who): boolean;
  leastIssue(subject: string | undefined): number;
}

/** The single answer to a client without a valid credential, whatever the state of the room. */
export const UNKNOWN = refusal("unauthorized", "a valid credential of the room is needed");

/** The rules of a room. A change makes another policy. The settings include the numbers of places. */
export class Policy {
  readonly existence: Existence;
  readonly settings: RoomSettings;
  readonly #revoked: Revoked;

  /** `revoked` is asked at each use, because it may grow. */
  constructor(existence: Existence, settings: RoomSettings, revoked: Revoked) {
    this.existence = existence;
    this.settings = settings;
    this.#revoked = revoked;
  }

  /** The origins of pages that may show the room in a frame; none if the room does not exist. */
  get embedOrigins(): readonly string[] {
    return this.existence === "open" ? this.settings.embedOrigins : [];
  }

  /** Decides whether a client with an otherwise valid token may act in this room. */
  admit(who: Who): Refusal | undefined {
    if (this.existence === "closed") return refusal("room_closed", "the room is closed and cannot be opened again");
    if (this.existence === "never") return refusal("room_not_found", "create it with POST /api/rooms");
    return this.#revoked.covers(who) ? refusal("token_revoked", "the token was revoked") : undefined;
  }

  /** Decides whether `who` may mint for `subject`, and returns the least `iat` (seconds since 1970). */
  mayMint(who: Who, subject: string | undefined): number | Refusal {
    return this.admit(who) ?? this.#revoked.leastIssue(subject);
  }

  /**
   * The grant of a token, or of no token. Without a valid credential, the client does not learn whether the room
   * exists.
   */
  enter(now: number, credential: ShownCredential): Grant | Refusal {
    if (credential.by === "token") return this.admit(credential.grant.who) ?? credential.grant;
    return this.existence === "open" && this.settings.public ? publicGrant(now) : UNKNOWN;
  }

  /** The grant of a ticket, which was redeemed for `grant`; undefined: there was no such ticket. */
  enterByTicket(grant: Grant | undefined): Grant | Refusal {
    return grant === undefined || this.admit(grant.who) !== undefined ? UNKNOWN : grant;
  }
}
