// The header `Retry-After` (RFC 9110, 10.2.3): seconds, or a date.

/** A longer wait would leave viewers waiting long after the room is back. */
export const MAX_RETRY_AFTER_MS = 5 * 60_000;

/** The milliseconds to wait; 0 if the header is missing, malformed or in the past. `now`: milliseconds since 1970. */
export function retryAfterMs(header: string | null | undefined, now: number): number {
  const text = header?.trim() ?? "";
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now;
  return ms > 0 ? Math.min(ms, MAX_RETRY_AFTER_MS) : 0;
}
