// The error for a final refusal, and the source of its stable codes.
import { Close } from "../protocol/close.ts";
import type { SocketClose } from "./environment.ts";

const CODE = /^[a-z][a-z0-9_]{0,63}$/;

/** The room refused permanently: another attempt would not help. */
export class RefusedError extends Error {
  override readonly name = "RefusedError";
  /** Stable: the code of a problem document (`unauthorized`, `room_not_found`) or the name of a close (`taken_over`, `revoked`). */
  readonly code: string;
  /** The HTTP status if the upgrade was refused; undefined if an open connection was closed. */
  readonly status: number | undefined;
  /** The server's reason in words, if it gave one. The text may change. */
  readonly detail: string | undefined;

  /** A function that fetches tokens throws it to say that there will be no token. */
  constructor(code: string, status?: number, detail?: string) {
    super(
      `refused: ${code}${status === undefined ? "" : ` (HTTP ${status})`}${detail === undefined ? "" : `: ${detail}`}`,
    );
    this.code = code;
    this.status = status;
    this.detail = detail;
  }
}

/** The `code` of a problem document; `http_<status>` if it has no valid code. */
export function problemCode(body: unknown, status: number): string {
  const code = typeof body === "object" && body !== null && "code" in body ? body.code : undefined;
  return typeof code === "string" && CODE.test(code) ? code : `http_${status}`;
}

/** The name of a close: the first word of its text, or the name of its code, or `close_<code>`. */
export function closeName({ code, reason }: SocketClose): string {
  const word = reason.split(" ", 1)[0] ?? "";
  if (code >= 4000 && CODE.test(word)) return word;
  return Object.values(Close).find((close) => close.code === code)?.name ?? `close_${code}`;
}
