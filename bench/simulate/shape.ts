// The shapes of a simulation: the audience's size and regions, its stream, and the failures.
import type { GrowthLimits } from "../../worker/core/growth-limits.ts";
import { MAX_OBJECT_SUBSCRIBERS } from "../../worker/core/growth-limits.ts";
import { distanceKm, type Region } from "../../worker/core/region.ts";
import { DEFAULT_TUNING } from "../../worker/core/tuning.ts";

/** One run. Times are seconds from the start. */
export interface Shape {
  readonly name: string;
  readonly subscribers: number;
  /** All subscribers join within this time. */
  readonly joinSeconds: number;
  /** `wave`: few at first, most in the middle; `even`: the same number in every second. */
  readonly joins: "wave" | "even";
  /** The source is silent before this time. */
  readonly startAt: number;
  /** Frames per second; an object over its send budget gathers them. */
  readonly framesPerSecond: number;
  readonly maxRelays: number;
  /** Isolates of the Worker that subscribers of one region come through. */
  readonly isolatesPerRegion: number;
  readonly leave: { readonly at: number; readonly share: number; readonly overSeconds: number };
  /** All relays of the region die, and nothing starts there for this time. */
  readonly death: { readonly at: number; readonly region: Region; readonly outageSeconds: number };
  readonly end: { readonly at: number; readonly overSeconds: number };
  readonly untilSeconds: number;
}

/** The regions of the audience. */
export const AUDIENCE: readonly (readonly [Region, number])[] = [
  ["weur", 0.22],
  ["enam", 0.22],
  ["wnam", 0.14],
  ["apac", 0.12],
  ["eeur", 0.1],
  ["apac-ne", 0.1],
  ["apac-se", 0.06],
  ["oc", 0.04],
];

/** The region of the room's own object. */
export const ORIGIN_REGION: Region = "enam";

/** The time in which an object starts, ms: the platform promises nothing; a dial here took 3 ms. */
export const START_MS = { least: 200, most: 800 };

/** The delay between two attempts of a relay's parent, ms (full jitter). */
export const REDIAL_MS = { least: 100, most: 5000 };

/** The time until the parent notices a dead relay. */
export const NOTICE_MS = 70;

/** The shortest interval between a relay's reports. */
export const REPORT_MS = 1000;

/** The Worker lets a newcomer wait for this time, then asks it to reconnect. */
export const PATIENCE_MS = 5000;

const BASE: Omit<Shape, "name" | "subscribers"> = {
  joinSeconds: 60,
  joins: "wave",
  startAt: 0,
  framesPerSecond: 30,
  maxRelays: 64,
  isolatesPerRegion: 100,
  leave: { at: 300, share: 1 / 3, overSeconds: 60 },
  death: { at: 480, region: "weur", outageSeconds: 30 },
  end: { at: 720, overSeconds: 120 },
  untilSeconds: 1560,
};

export const SHAPES: readonly Shape[] = [
  { ...BASE, name: "100", subscribers: 100 },
  { ...BASE, name: "10,000", subscribers: 10_000 },
  { ...BASE, name: "early", subscribers: 50_000, maxRelays: 1024, startAt: 120 },
  { ...BASE, name: "1,000,000", subscribers: 1_000_000, maxRelays: 8192 },
];

export function limitsOf(shape: Shape): GrowthLimits {
  return {
    maxObjectSubscribers: MAX_OBJECT_SUBSCRIBERS,
    sendBudget: DEFAULT_TUNING.sendBudget,
    queueBytes: DEFAULT_TUNING.roomQueueBytes,
    maxRelays: shape.maxRelays,
    maxSubscribers: 10_000_000,
    hintsOff: false,
  };
}

/** One trip between two regions, ms: light in glass, cables that are not straight lines, and a few ms at the ends. */
export function latencyMs(one: Region, other: Region): number {
  return 8 + (distanceKm(one, other) / 200) * 1.4;
}

/**
 * Sends per second to one subscriber of an object with this number of receivers: over the budget, frames are gathered.
 */
export function sendsOf(shape: Shape, receivers: number): number {
  const gathered = 1000 / DEFAULT_TUNING.gatherMs;
  const isOver = receivers * shape.framesPerSecond > DEFAULT_TUNING.sendBudget;
  return receivers * (isOver ? Math.min(gathered, shape.framesPerSecond) : shape.framesPerSecond);
}
