// The next step of a cursor, and its messages.
import type { GapReason, ServerMessage } from "../../protocol/control.ts";
import type { Block } from "./block.ts";
import type { Init, Track } from "./track.ts";

/** `send` and `tell` are executed in order; `wait` ends the turn. */
export type Step =
  | { readonly do: "send"; readonly block: Block }
  /** The next frame has left history, or is older than the subscriber wants while there is a newer group. */
  | { readonly do: "skip" }
  | { readonly do: "init"; readonly init: Init }
  | { readonly do: "tell"; readonly message: ServerMessage }
  | { readonly do: "wait" };

export const WAIT: Step = { do: "wait" };
export const SKIP: Step = { do: "skip" };
/** The state changed: look again. */
export const AGAIN = { do: "again" } as const;

/** A control message, in order with the frames. */
export function tell(message: ServerMessage): Step {
  return { do: "tell", message };
}

/** Frames `from` to `to` of an epoch of `track` will not come; `to` null: up to its end. */
export function gap({ name }: Track, epoch: string, from: number, to: number | null, reason: GapReason): ServerMessage {
  return { type: "gap", name, epoch, from, to, reason };
}

/** From here on, the number of `track` refers to it in `epoch`. */
export function announced(track: Track, epoch: string, sequence: number): ServerMessage {
  const { number, name, format } = track;
  const message = { type: "track", track: number, name, epoch, sequence } as const;
  return format === null || epoch !== track.epoch ? message : { ...message, format };
}
