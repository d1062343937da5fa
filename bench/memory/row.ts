// The rows of the memory benchmark, each on a target of its own.
import type { RoomSettings } from "../../worker/core/room-settings.ts";
import type { RoomcastTarget } from "../targets/roomcast.ts";

/** The findings of a measurement in addition to the growth. */
export interface Found {
  readonly figures: Readonly<Record<string, number>>;
  /** Frames, or messages if the row is about messages: neither delivered nor reported missing. */
  readonly lost: number;
}

/** Measures. The growth begins when it calls `idle`. */
export type Measure = (target: RoomcastTarget, idle: () => void) => Promise<Found>;

/** One line of the benchmark. */
export interface Row {
  readonly kind: string;
  /** Its identity in addition to its kind. */
  readonly labels: Readonly<Record<string, number>>;
  readonly settings?: Partial<RoomSettings>;
  /**
   * Brings a separate process to the size that counts as idle. Without it, the growth begins when `measure` says so.
   */
  readonly idle?: (target: RoomcastTarget) => Promise<void>;
  readonly measure: Measure;
}
