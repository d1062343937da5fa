// Which pages may use the API and the WebSocket from a browser.
import type { Config } from "./config.ts";

/** May whoever sent this request come, as far as its page's origin is concerned? Programs send none and may. */
export function isOriginAllowed(request: Request, { allowedOrigins }: Config): boolean {
  const origin = request.headers.get("origin");
  if (origin === null || allowedOrigins.length === 0) return true;
  return origin === new URL(request.url).origin || allowedOrigins.includes(origin);
}
