// What a subscriber's iterator yields.
import type { GapReason } from "../protocol/control.ts";

/** A frame of the stream. `payload` is a view into the message that it came in; `flags` are those of `Flag`. */
export interface FrameEvent {
  readonly type: "frame";
  readonly track: string;
  readonly epoch: string;
  readonly sequence: number;
  readonly flags: number;
  /** The publisher's clock, milliseconds since 1970. */
  readonly timestamp: number;
  readonly payload: Uint8Array;
}

/**
 * A frame, or what happened between frames. `gap`: `from` to `to` (inclusive; null: to the end of the epoch) did not
 * come. `connection` comes in the order of what was received, not when it happens.
 */
export type SubscriberEvent =
  | FrameEvent
  | {
      readonly type: "init";
      readonly track: string;
      readonly epoch: string;
      readonly sequence: number;
      readonly payload: Uint8Array;
    }
  | {
      readonly type: "gap";
      readonly track: string;
      readonly epoch: string;
      readonly from: number;
      readonly to: number | null;
      readonly reason: GapReason;
    }
  /** The epoch ends with `sequence`, which carries no data. */
  | { readonly type: "end"; readonly track: string; readonly epoch: string; readonly sequence: number }
  | { readonly type: "caught-up"; readonly track: string; readonly epoch: string; readonly sequence: number }
  | { readonly type: "source"; readonly track: string; readonly state: "online" | "offline" }
  | { readonly type: "occupancy"; readonly subscribers: number; readonly publishers: number }
  | { readonly type: "connection"; readonly state: "connecting" | "open" | "lost" };
