// A refusal as a value: the core decides it, and the shell sends it.

/** Stable codes of the room's refusals, as in problem+json. */
export type RefusalCode =
  | "unauthorized"
  | "token_revoked"
  | "forbidden"
  | "room_not_found"
  | "room_closed"
  | "room_exists"
  | "room_unavailable"
  | "connection_not_found"
  | "unknown_address"
  | "too_many_requests"
  | "too_many_tickets"
  | "too_many_revocations";

/** `detail` goes to the client. */
export interface Refusal {
  readonly refused: RefusalCode;
  readonly detail: string;
}

export function refusal(refused: RefusalCode, detail: string): Refusal {
  return { refused, detail };
}

/** Returns true for a refusal, and false for a result. */
export function isRefusal(value: unknown): value is Refusal {
  return typeof value === "object" && value !== null && "refused" in value;
}
