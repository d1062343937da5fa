// Close codes. The range alone tells a client what to do, so it can handle codes that it does not know.
import type { ErrorCode } from "./errors.ts";

/** Every close code of Roomcast. 4000-4499: reconnect. 4500-4999: do not. */
export const Close = {
  goingAway: { code: 4000, name: "going_away" },
  slow: { code: 4001, name: "slow" },
  tokenExpired: { code: 4002, name: "token_expired" },
  trackBusy: { code: 4003, name: "track_busy" },
  roomFull: { code: 4004, name: "room_full" },
  unproven: { code: 4005, name: "unproven" },
  moved: { code: 4006, name: "moved" },
  badFrame: { code: 4500, name: "bad_frame" },
  badControl: { code: 4501, name: "bad_control" },
  tooLarge: { code: 4502, name: "too_large" },
  notAllowed: { code: 4503, name: "not_allowed" },
  outOfSequence: { code: 4504, name: "out_of_sequence" },
  windowExceeded: { code: 4505, name: "window_exceeded" },
  roomClosed: { code: 4506, name: "room_closed" },
  revoked: { code: 4507, name: "revoked" },
  kicked: { code: 4508, name: "kicked" },
  takenOver: { code: 4509, name: "taken_over" },
  tooFast: { code: 4510, name: "too_fast" },
} as const;

/** A close reason: its code, and its name, which begins the text of the close. */
export type CloseReason = (typeof Close)[keyof typeof Close];

/** The close reason for a violation. */
export function closeFor(code: ErrorCode): CloseReason {
  switch (code) {
    case "payload_too_large":
    case "message_too_large":
    case "init_too_large":
    case "record_too_large":
      return Close.tooLarge;
    case "control_not_json":
    case "control_invalid":
    case "position_invalid":
      return Close.badControl;
    case "not_allowed":
      return Close.notAllowed;
    case "out_of_sequence":
      return Close.outOfSequence;
    case "window_exceeded":
      return Close.windowExceeded;
    case "too_fast":
      return Close.tooFast;
    default:
      return Close.badFrame;
  }
}

/** The text of a close frame: the name, the detail, and the delay before a reconnect. At most 123 bytes (RFC 6455). */
export function closeText(reason: CloseReason, detail = "", retryMs?: number): string {
  const parts = [reason.name as string];
  if (retryMs !== undefined) parts.push(`retry=${retryMs}`);
  if (detail !== "") parts.push(detail);
  return parts
    .join(" ")
    .replace(/[^\x20-\x7e]/g, "?")
    .slice(0, 123);
}

/** The reaction of a client to a close. */
export type AfterClose = { readonly retry: false } | { readonly retry: true; readonly afterMs: number };

/** Reads a close code and its text: whether the client may reconnect, and after how many milliseconds. */
export function afterClose(code: number, text: string): AfterClose {
  if ((code >= 4500 && code <= 4999) || code === 1002 || code === 1003 || code === 1007 || code === 1009) {
    return { retry: false };
  }
  const delay = /(?:^| )retry=(\d{1,7})(?: |$)/.exec(text);
  return { retry: true, afterMs: delay === null ? 0 : Number(delay[1]) };
}
