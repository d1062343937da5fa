// What the memory benchmark measures: rows, each on a target of its own.
import type { RoomSettings } from "../../worker/core/room-settings.ts";
import type { RoomcastTarget } from "../targets/roomcast.ts";

/** What one measurement found, beside the growth. */
export interface Found {
  readonly figures: Readonly<Record<string, number>>;
  /** Frames, or messages where the row is about those: neither delivered nor told to be missing. */
  readonly lost: number;
}

/** Measures. The growth begins where it calls `idle`. */
export type Measure = (target: RoomcastTarget, idle: () => void) => Promise<Found>;

/** One line of the benchmark. */
export interface Row {
  readonly kind: string;
  /** What identifies it beside its kind. */
  readonly labels: Readonly<Record<string, number>>;
  readonly settings?: Partial<RoomSettings>;
  /** Brings a process of its own to the size that counts as idle; else the growth begins where `measure` says. */
  readonly idle?: (target: RoomcastTarget) => Promise<void>;
  readonly measure: Measure;
}
