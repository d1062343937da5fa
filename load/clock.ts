// The clock of stamps: the same in all processes of a machine, and finer than a millisecond.

/** Milliseconds since 1970. */
export function stampClock(): number {
  return performance.timeOrigin + performance.now();
}
