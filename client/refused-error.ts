// How the client says that it was refused for good, and where the stable codes of refusals come from.
import { Close } from "../protocol/close.ts";
import type { SocketClose } from "./environment.ts";

const CODE = /^[a-z][a-z0-9_]{0,63}$/;

/**
 * The room or the way to it refused for good. `code` is stable: a problem code ("unauthorized", "room_not_found") or a
 * close name ("taken_over", "bad_frame"); `status` is the HTTP status where the upgrade was refused.
 */
export class RefusedError extends Error {
  override readonly name = "RefusedError";
  readonly code: string;
  readonly status: number | undefined;

  constructor(code: string, status?: number) {
    super(status === undefined ? `refused: ${code}` : `refused: ${code} (HTTP ${status})`);
    this.code = code;
    this.status = status;
  }
}

/** The `code` of a problem document; `http_<status>` where it has none that is well formed. */
export function problemCode(body: unknown, status: number): string {
  const code = typeof body === "object" && body !== null && "code" in body ? body.code : undefined;
  return typeof code === "string" && CODE.test(code) ? code : `http_${status}`;
}

/** The name of a close: the first word of its text, else that of its code, else `close_<code>`. */
export function closeName({ code, reason }: SocketClose): string {
  const word = reason.split(" ", 1)[0] ?? "";
  if (code >= 4000 && CODE.test(word)) return word;
  return Object.values(Close).find((close) => close.code === code)?.name ?? `close_${code}`;
}
