// The input of a player, and its state.

/** A frame of the track, with its format and init. */
export interface PlayerFrame {
  readonly epoch: string;
  readonly flags: number;
  readonly payload: Uint8Array;
  /** The publisher's clock, ms since 1970; 0: the frame has no time. */
  readonly timestamp: number;
  readonly init: Uint8Array | undefined;
  readonly format: string | undefined;
}

/** `waiting`: for the start of a group, or for bytes. `failed`: this browser cannot show the stream. */
export type Playback =
  | { readonly is: "waiting" }
  | { readonly is: "playing" }
  | { readonly is: "paused" }
  | { readonly is: "failed"; readonly detail: string };

/**
 * The age of the visible picture. `by`: measured by the publisher's clock, or, if frames have no time, by the buffered
 * time.
 */
export interface Latency {
  readonly seconds: number;
  readonly by: "publisher" | "buffer";
}

/** The latency of a frame that has just arrived. */
export function latencyOf({ timestamp }: { readonly timestamp: number }, now: number): Latency | undefined {
  return timestamp === 0 ? undefined : { seconds: (now - timestamp) / 1000, by: "publisher" };
}
