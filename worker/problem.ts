// Errors over HTTP: application/problem+json (RFC 9457) with a stable code.
import { isRefusal, type Refusal } from "./core/refusal.ts";

/** Stable codes of refused requests, with their status and title. PROTOCOL.md lists them. */
export const PROBLEMS = {
  invalid_request: [400, "The request is malformed"],
  unauthorized: [401, "A valid credential is needed"],
  token_revoked: [401, "The token was revoked"],
  forbidden: [403, "The credential does not give this right"],
  origin_not_allowed: [403, "Pages of this origin are not allowed"],
  not_found: [404, "Nothing is here"],
  room_not_found: [404, "There is no such room"],
  recording_not_found: [404, "There is no such recording"],
  connection_not_found: [404, "There is no such connection"],
  delivery_not_found: [404, "There is no such webhook"],
  unknown_address: [404, "This address does not exist"],
  method_not_allowed: [405, "This route does not allow this method"],
  room_exists: [409, "The room id is taken"],
  not_playable: [409, "This recording has no playlist"],
  too_many_revocations: [409, "There is no space for another revocation"],
  room_closed: [410, "The room was closed"],
  body_too_large: [413, "The body is too large"],
  upgrade_required: [426, "This route speaks WebSocket"],
  too_many_requests: [429, "Too many requests"],
  too_many_tickets: [429, "Too many tickets are unused"],
  internal_error: [500, "An internal error occurred"],
  room_unavailable: [503, "The room is currently unavailable"],
  not_enabled: [501, "This Worker does not support this"],
  not_configured: [503, "The Worker is not configured"],
} as const satisfies Record<string, readonly [number, string]>;

export type ProblemCode = keyof typeof PROBLEMS;

/** The value of `Retry-After`. */
export const RETRY_SECONDS = 10;

/** A refused request. It is thrown where the problem is detected, and answered once by the app. */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly code: ProblemCode;

  readonly #headers: Readonly<Record<string, string>>;

  /** `detail` and `headers` go to the client: they must never contain a credential. */
  constructor(
    code: ProblemCode,
    detail: string,
    { headers = {}, ...options }: ErrorOptions & { readonly headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(detail, options);
    this.code = code;
    this.#headers = headers;
  }

  response(): Response {
    const [status, title] = PROBLEMS[this.code];
    const headers: Record<string, string> = { "content-type": "application/problem+json", ...this.#headers };
    if (status === 401) headers["www-authenticate"] = "Bearer";
    if (status === 426) headers.upgrade = "websocket";
    if (status === 429 || this.code === "room_unavailable") headers["retry-after"] = String(RETRY_SECONDS);
    const body = { type: "about:blank", title, status, code: this.code, detail: this.message };
    return Response.json(body, { status, headers });
  }
}

/** True for a temporary error of the platform: the object is being restarted, reset or moved, or is overloaded. */
export function isPassing(error: unknown): boolean {
  const { retryable, overloaded, durableObjectReset } = error as Record<string, unknown>;
  return retryable === true || overloaded === true || durableObjectReset === true;
}

/** The room's answer. If it is a refusal, throws it as `Problem`. */
export function unwrap<T>(answer: T | Refusal): Exclude<T, Refusal> {
  if (isRefusal(answer)) throw new Problem(answer.refused, answer.detail);
  return answer as Exclude<T, Refusal>;
}
