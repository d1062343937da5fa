// Errors as HTTP tells them: application/problem+json (RFC 9457) with a stable code.
import { isRefusal, type Refusal } from "./core/refusal.ts";

/** Stable codes of refused requests, with their status and title. PROTOCOL.md lists them. */
export const PROBLEMS = {
  invalid_request: [400, "The request is malformed"],
  unauthorized: [401, "A valid credential is needed"],
  token_revoked: [401, "The token was revoked"],
  forbidden: [403, "The credential does not give this right"],
  origin_not_allowed: [403, "Pages of this origin may not come here"],
  not_found: [404, "There is nothing here"],
  room_not_found: [404, "There is no such room"],
  connection_not_found: [404, "There is no such connection"],
  unknown_address: [404, "Nobody has this address"],
  method_not_allowed: [405, "This route has no such method"],
  room_exists: [409, "The room id is taken"],
  too_many_revocations: [409, "There is no place for another revocation"],
  room_closed: [410, "The room was closed"],
  body_too_large: [413, "The body is too large"],
  upgrade_required: [426, "This route speaks WebSocket"],
  too_many_requests: [429, "Too many requests"],
  too_many_tickets: [429, "Too many tickets are not spent yet"],
  internal_error: [500, "Something went wrong here"],
  room_unavailable: [503, "The room cannot answer now"],
  not_configured: [503, "The Worker is not configured"],
} as const satisfies Record<string, readonly [number, string]>;

export type ProblemCode = keyof typeof PROBLEMS;

/** When to try again. */
export const RETRY_SECONDS = 10;

/** A request that is refused. Thrown where it is detected, answered once by the app. */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly code: ProblemCode;

  /** `detail` goes to the client: it must never hold a credential. */
  constructor(code: ProblemCode, detail: string, options?: ErrorOptions) {
    super(detail, options);
    this.code = code;
  }

  response(): Response {
    const [status, title] = PROBLEMS[this.code];
    const headers: Record<string, string> = { "content-type": "application/problem+json" };
    if (status === 401) headers["www-authenticate"] = "Bearer";
    if (status === 426) headers.upgrade = "websocket";
    if (status === 429 || this.code === "room_unavailable") headers["retry-after"] = String(RETRY_SECONDS);
    const body = { type: "about:blank", title, status, code: this.code, detail: this.message };
    return Response.json(body, { status, headers });
  }
}

/** True for an error of the platform that passes: an object that is just being restarted, reset or moved, or has too much to do. */
export function isPassing(error: unknown): boolean {
  const { retryable, overloaded, durableObjectReset } = error as Record<string, unknown>;
  return retryable === true || overloaded === true || durableObjectReset === true;
}

/** What the room answered; its refusal is thrown as `Problem`. */
export function unwrap<T>(answer: T | Refusal): Exclude<T, Refusal> {
  if (isRefusal(answer)) throw new Problem(answer.refused, answer.detail);
  return answer as Exclude<T, Refusal>;
}
