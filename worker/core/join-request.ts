// A request to join a room, and the object that serves it.
import type { Asked, Grant, Join } from "./authorize.ts";
import type { Placement } from "./placement.ts";
import type { Credential } from "./policy.ts";
import type { Region } from "./region.ts";

/** A request to join: the wanted role and options, the credential, and the client's place. */
export interface JoinRequest {
  readonly asked: Asked;
  readonly credential: Credential;
  /** undefined: irrelevant, because it is not placed elsewhere. */
  readonly region?: Region;
  /** The number of newcomers at the asking Worker since its last question, including this one. */
  readonly newcomers?: number;
  /** Relays that refused a newcomer since then. */
  readonly refused?: readonly string[];
  /** The instance of a cluster through which it arrived. */
  readonly instance?: string;
}

/**
 * The decision about an admitted request: served here, or by one of the relays, with the credential's grant; or the
 * room is full.
 */
export type Entry =
  | { readonly at: "here"; readonly join: Join }
  | { readonly at: "relays"; readonly placement: Placement; readonly grant: Grant }
  | { readonly at: "nowhere" };
