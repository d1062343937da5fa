// The requests of a connection, and its state that survives the room's sleep: small values, stored beside its
// WebSocket.
import type { GapReason } from "../../protocol/control.ts";
import type { Position, Start } from "../../protocol/position.ts";
import type { Region } from "./region.ts";

/** A token that another token was minted with. `issuedAt` in seconds since 1970. */
export interface Ancestor {
  readonly jti: string;
  readonly subject: string | undefined;
  readonly issuedAt: number;
}

/** The owner of a connection. Times are seconds since 1970, as in the token. */
export interface Who {
  readonly subject: string | undefined;
  /** null: a visitor without a token, in a public room. */
  readonly jti: string | null;
  readonly issuedAt: number;
  /** null: it does not expire. */
  readonly expiresAt: number | null;
  /** The tokens that its token was minted through. */
  readonly ancestors?: readonly Ancestor[];
  /** Its own label. */
  readonly label?: string;
  /** True if it may send messages to others. */
  readonly mayMessage?: boolean;
}

export const DELIVERIES = ["live", "latest", "reliable"] as const;
export type Delivery = (typeof DELIVERIES)[number];

/** The request of a subscriber. */
export interface Subscription {
  /** True: frames and control messages; false: only payload bytes. */
  readonly framed: boolean;
  /** Names of tracks; null: all. */
  readonly tracks: readonly string[] | null;
  readonly start: Start;
  readonly delivery: Delivery;
  /** How soon after a pong it pings while it receives; undefined: unknown. */
  readonly pingMs?: number;
  /** The region of the client. */
  readonly region?: Region;
}

/** Returns true for a link, and false for a viewer. */
export function isLink({ start }: Subscription): boolean {
  return start.at === "position" && start.elseOldest === true;
}

/** The request of a publisher. */
export interface Publication {
  readonly track: string;
  /** The oldest frame that it keeps, if it reconnects. */
  readonly resume: Position | null;
  /** The number of frames that it has sent from there on; null: unknown. */
  readonly unacknowledged: number | null;
  readonly takeover: boolean;
  /** The format that it declares; undefined: none. */
  readonly format?: string;
}

/** The position of a subscriber in a track. */
export type CursorState =
  /** Waits for a group start, not below `notBefore`. Frames from `from` on are then missing (null: none). */
  | { readonly at: "seeking"; readonly from: number | null; readonly reason: GapReason; readonly notBefore: number }
  /** Waits until the room knows the track's position. */
  | { readonly at: "resuming"; readonly position: Position }
  /**
   * `cursor` is next. null: in step with the track, whose position is unknown (after sleep). `strict`: skips nothing
   * that is in history. The cursor is changed in place, because every send changes it.
   */
  | { readonly at: "flowing"; cursor: number | null; readonly strict: boolean }
  /** The connection is full; `cursor` is next. */
  | { readonly at: "paused"; readonly cursor: number; readonly strict: boolean };

export interface SavedCursor {
  readonly name: string;
  readonly number: number;
  /** The track's epoch, and the epoch that the subscriber knows; null: none. */
  readonly epoch: string;
  readonly told: string | null;
  readonly state: CursorState;
}

/** A track on a link: its number and its epoch. */
export interface LinkedTrack {
  readonly name: string;
  readonly number: number;
  readonly epoch: string;
  readonly source: "online" | "offline";
  /** Set if it is known. */
  readonly format?: string;
}

export type Attachment =
  /** A relay's end of its link. */
  | { readonly role: "link"; readonly id: string; readonly generation: number; readonly tracks: readonly LinkedTrack[] }
  | {
      readonly role: "publisher";
      readonly id: string;
      readonly who: Who;
      readonly track: string;
      readonly number: number;
      readonly epoch: string;
      /** Sequences below it may have reached a room that lost its memory. */
      readonly mayReach: number;
      /** The track's format, if it is known. */
      readonly format?: string;
    }
  | {
      readonly role: "subscriber";
      readonly id: string;
      readonly who: Who;
      readonly subscription: Subscription;
      /** Bytes that a `reliable` subscriber still accepts; null for others. */
      readonly credit: number | null;
      readonly cursors: readonly SavedCursor[];
    };
