// The interface of every player, whatever the payload.
import type { Latency, Playback, PlayerFrame } from "./playback.ts";

/** Shows one track. Times are ms since 1970. */
export interface Player {
  /** The visible element, which is put on the screen. */
  readonly element: HTMLElement;
  readonly playback: Playback;
  /** The element with a volume; undefined if there is none. */
  readonly sound: HTMLMediaElement | undefined;
  /**
   * Shows the picture in a window of its own, or takes it back; undefined: there is no picture, or the browser cannot
   * do it.
   */
  readonly popOut: (() => Promise<void>) | undefined;
  /** True if a part of the stream is visible, and a moving picture has not stood still for long. */
  isShowing(now: number): boolean;
  latency(now: number): Latency | undefined;
  /** The next frame. */
  take(frame: PlayerFrame): void;
  /** The next frame does not continue the stream. */
  breakOff(): void;
  /** All past frames have arrived: the player may go to the live edge. */
  caughtUp(): void;
  /** Stops at the current position. Frames that arrive meanwhile are dropped, or wait up to a limit. */
  pause(): void;
  /** Continues, live. */
  resume(): void;
  /** Draws anything that is not drawn on arrival, and stays at the live edge. Called a few times a second. */
  tick(now: number): void;
  /** Releases everything. */
  destroy(): void;
}
