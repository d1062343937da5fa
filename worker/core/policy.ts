// The policy of a room: whoever knows it can say who may come in. It stores nothing, so a copy of it decides the same anywhere.
import type { Who } from "./attachment.ts";
import { type Grant, publicGrant } from "./authorize.ts";
import { type Refusal, refusal } from "./refusal.ts";
import type { RoomSettings } from "./room-settings.ts";

/** How somebody comes to the door. */
export type Credential =
  | { readonly by: "token"; readonly grant: Grant }
  | { readonly by: "ticket"; readonly id: string }
  | { readonly by: "none" };

/** Was the room created, and is it still there? */
export type Existence = "never" | "open" | "closed";

/** Which tokens no longer count. */
export interface Revoked {
  covers(who: Who): boolean;
}

/** The one answer to whoever shows nothing that counts, whatever the room is. */
export const UNKNOWN = refusal("unauthorized", "a valid credential of the room is needed");

/** What holds in a room until it changes: then there is another policy. The seats are in its settings. */
export class Policy {
  readonly existence: Existence;
  readonly settings: RoomSettings;
  readonly #revoked: Revoked;

  /** `revoked` is asked at each use: it may grow. */
  constructor(existence: Existence, settings: RoomSettings, revoked: Revoked) {
    this.existence = existence;
    this.settings = settings;
    this.#revoked = revoked;
  }

  /** May somebody whose token is good otherwise do something in this room? */
  admit(who: Who): Refusal | undefined {
    if (this.existence === "closed") return refusal("room_closed", "the room is closed for good");
    if (this.existence === "never") return refusal("room_not_found", "create it with POST /api/rooms");
    return this.#revoked.covers(who) ? refusal("token_revoked", "the token was revoked") : undefined;
  }

  /** What a token gives, or having none. Who shows nothing that counts does not learn whether there is a room. */
  enter(now: number, credential: Exclude<Credential, { by: "ticket" }>): Grant | Refusal {
    if (credential.by === "token") return this.admit(credential.grant.who) ?? credential.grant;
    return this.existence === "open" && this.settings.public ? publicGrant(now) : UNKNOWN;
  }

  /** What a ticket gives that was redeemed for `grant`; undefined: there was no such ticket. */
  enterByTicket(grant: Grant | undefined): Grant | Refusal {
    return grant === undefined || this.admit(grant.who) !== undefined ? UNKNOWN : grant;
  }
}
