// What a connection asked for, and what of it survives the room's sleep: small values, kept beside its WebSocket.
import type { GapReason } from "../../protocol/control.ts";
import type { Position, Start } from "../../protocol/position.ts";

/** A token that another one was minted with. `issuedAt` in seconds since 1970. */
export interface Ancestor {
  readonly jti: string;
  readonly subject: string | undefined;
  readonly issuedAt: number;
}

/** Whose connection it is. Times are seconds since 1970, as in the token. */
export interface Who {
  readonly subject: string | undefined;
  /** null: somebody without a token, in a public room. */
  readonly jti: string | null;
  readonly issuedAt: number;
  /** null: never. */
  readonly expiresAt: number | null;
  /** The tokens that its token was minted through. */
  readonly ancestors?: readonly Ancestor[];
  /** What it calls itself. */
  readonly label?: string;
  /** May it send messages to others? */
  readonly mayMessage?: boolean;
}

export const DELIVERIES = ["live", "latest", "reliable"] as const;
export type Delivery = (typeof DELIVERIES)[number];

/** What a subscriber asked for. */
export interface Subscription {
  /** Frames and control messages, or payload bytes alone. */
  readonly framed: boolean;
  /** Names of tracks; null: all. */
  readonly tracks: readonly string[] | null;
  readonly start: Start;
  readonly delivery: Delivery;
  /** How soon after a pong it pings while it receives; undefined: it does not say. */
  readonly pingMs?: number;
}

/** What a publisher asked for. */
export interface Publication {
  readonly track: string;
  /** The oldest frame that it keeps, where it comes back. */
  readonly resume: Position | null;
  /** How many frames it has sent from there on; null: it does not say. */
  readonly unacknowledged: number | null;
  readonly takeover: boolean;
}

/** Where a subscriber stands in a track. */
export type CursorState =
  /** Waits for a group start, not below `notBefore`; frames from `from` on are missing then (null: none). */
  | { readonly at: "seeking"; readonly from: number | null; readonly reason: GapReason; readonly notBefore: number }
  /** Waits until the room knows where the track stands. */
  | { readonly at: "resuming"; readonly position: Position }
  /** `cursor` is next. null: in step with the track, wherever that is (after sleep). `strict`: skips nothing that is in history. */
  | { readonly at: "flowing"; readonly cursor: number | null; readonly strict: boolean }
  /** The way is full; `cursor` is next. */
  | { readonly at: "paused"; readonly cursor: number; readonly strict: boolean };

export interface SavedCursor {
  readonly name: string;
  readonly number: number;
  /** The track's epoch, and the one that the subscriber was told; null: none. */
  readonly epoch: string;
  readonly told: string | null;
  readonly state: CursorState;
}

export type Attachment =
  | {
      readonly role: "publisher";
      readonly id: string;
      readonly who: Who;
      readonly track: string;
      readonly number: number;
      readonly epoch: string;
      /** Sequences below it may have reached a room that lost its memory. */
      readonly mayReach: number;
    }
  | {
      readonly role: "subscriber";
      readonly id: string;
      readonly who: Who;
      readonly subscription: Subscription;
      /** Bytes that a `reliable` subscriber still takes; null for others. */
      readonly credit: number | null;
      readonly cursors: readonly SavedCursor[];
    };
