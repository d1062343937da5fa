// Decides when an object's load is reported to its parent: when it changed, and at a limited rate.
import type { Load } from "./growth-limits.ts";

const EVERY_MS = 1000;

/** A change smaller than this part of the reported value, and than the number below, can wait for the next report. */
const NOTEWORTHY = 0.1;
const FEW_SENDS = 100;
const FEW_BYTES = 1024 * 1024;

/** Looks at the load only after an event, and then at most once a second. Times are ms since 1970. */
export class LoadReport {
  #told: { readonly load: Load; readonly rest: string } | undefined;
  #toldAt = Number.NEGATIVE_INFINITY;
  #lookAt: number | undefined;
  #changes = 0;

  /** Something happened that may have changed the load. */
  touch(now: number): void {
    this.#lookAt ??= Math.max(now, this.#toldAt + EVERY_MS);
  }

  /** When to look; undefined: nothing has happened since. `changes`: the number of joins and leaves so far. */
  dueAt(changes: number): number | undefined {
    return changes === this.#changes ? this.#lookAt : this.#toldAt + EVERY_MS;
  }

  /** Returns true if there is something to report. `rest`: the rest of the report. */
  look(load: Load, rest: string, changes: number): boolean {
    this.#lookAt = undefined;
    this.#changes = changes;
    const told = this.#told;
    if (told === undefined || told.rest !== rest || told.load.subscribers !== load.subscribers) return true;
    const sends = isNear(load.sendsPerSecond, told.load.sendsPerSecond, FEW_SENDS);
    return !sends || !isNear(load.queuedBytes, told.load.queuedBytes, FEW_BYTES);
  }

  told(now: number, load: Load, rest: string): void {
    this.#told = { load, rest };
    this.#toldAt = now;
  }
}

function isNear(value: number, told: number, floor: number): boolean {
  return Math.abs(value - told) <= Math.max(floor, told * NOTEWORTHY);
}
