// The objects to put into the bucket for one segment.
import type { Cut } from "./cutter.ts";
import { kindOf } from "./recording-kind.ts";

/** Objects to store. The bytes of the segment are the concatenated `parts`. */
export interface StoreOrder {
  readonly name: string;
  readonly parts: readonly Uint8Array[];
  readonly bytes: number;
  /** Must be stored before the segment. */
  readonly init: { readonly name: string; readonly bytes: Uint8Array } | undefined;
}

/** The names of the objects of an order. */
export function namesOf({ name, init }: StoreOrder): string[] {
  return init === undefined ? [name] : [init.name, name];
}

/**
 * An MPEG-TS segment that begins with its tables needs no init. The counters in tables change, so each init would be
 * different.
 */
export function needsInit(cut: Cut): boolean {
  if (cut.init === null) return false;
  return cut.leadingInitBytes === 0 || kindOf(cut.format, cut.init) !== "mpegts";
}

export function areEqual(one: Uint8Array, other: Uint8Array): boolean {
  return one.byteLength === other.byteLength && one.every((byte, index) => byte === other[index]);
}
