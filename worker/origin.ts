// The origins of pages that may use the API and the WebSocket from a browser.
import type { Config } from "./config.ts";

/** Returns true if the origin of the request's page is allowed. Programs send no origin, and are allowed. */
export function isOriginAllowed(request: Request, { allowedOrigins }: Config): boolean {
  const origin = request.headers.get("origin");
  if (origin === null || allowedOrigins.length === 0) return true;
  return origin === new URL(request.url).origin || allowedOrigins.includes(origin);
}
