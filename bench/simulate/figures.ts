// The figures of a simulation: a row for each second, and the summary of the run.
import type { GrowthLimits, Load } from "../../worker/core/growth-limits.ts";

/** The interval at which loads are sampled, ms. */
export const LOOK_MS = 500;

/** One second of a run. */
export interface Second {
  readonly second: number;
  readonly subscribers: number;
  readonly waiting: number;
  /** The room's own object and its relays, including those that start or drain. */
  readonly objects: number;
  /** The highest load of all objects: 1 is the whole budget. */
  readonly highestLoad: number;
  readonly originRequests: number;
}

/** Watches the loads of all objects. */
export class Loads {
  readonly #limits: GrowthLimits;
  readonly #overMs = new Map<string, number>();
  highest = 0;
  #highestNow = 0;

  constructor(limits: GrowthLimits) {
    this.#limits = limits;
  }

  look(id: string, { subscribers, sendsPerSecond }: Load): void {
    const { sendBudget, maxObjectSubscribers } = this.#limits;
    const load = Math.max(sendsPerSecond / sendBudget, subscribers / maxObjectSubscribers);
    this.#highestNow = Math.max(this.#highestNow, load);
    this.highest = Math.max(this.highest, load);
    if (load > 1) this.#overMs.set(id, (this.#overMs.get(id) ?? 0) + LOOK_MS);
  }

  /** The highest load since the last call. */
  takeHighest(): number {
    const highest = this.#highestNow;
    this.#highestNow = 0;
    return highest;
  }

  /** The longest total time that any object was over its budget. */
  get mostSecondsOver(): number {
    return Math.max(0, ...this.#overMs.values()) / 1000;
  }
}

/** Prices per hour, US dollars: the platform's list of November 2026. */
const OBJECT_HOUR = 0.128 * 3600 * 12.5e-6;
const OBJECT_REQUEST = 0.15e-6;
const WORKER_REQUEST = 0.3e-6;
/** Incoming WebSocket messages that count as one request. */
const MESSAGES_PER_REQUEST = 20;

/** The cost of a room while nothing changes, per hour. */
export function costOf(room: {
  readonly objects: number;
  readonly framesPerSecond: number;
  readonly reportsPerSecond: number;
  readonly asksPerSecond: number;
}) {
  const message = OBJECT_REQUEST / MESSAGES_PER_REQUEST;
  const objects = room.objects * OBJECT_HOUR;
  const frames = 3600 * room.framesPerSecond * room.objects * message;
  const reports = 3600 * room.reportsPerSecond * message;
  const asks = 3600 * room.asksPerSecond * OBJECT_REQUEST;
  return { objects, frames, reports, asks, total: objects + frames + reports + asks };
}

/** The one-time cost of joins: the Worker's request and the object's. */
export function costOfJoins(joins: number): number {
  return joins * (WORKER_REQUEST + OBJECT_REQUEST);
}
