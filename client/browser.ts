// The environment of a browser (and of any platform with its WebSocket, fetch and timers).
import type { Environment, Socket } from "./environment.ts";

/**
 * A browser's WebSocket does not say why an upgrade was refused, and cannot stop reading. `fetch` asks for the reason.
 */
export const browserEnvironment: Environment = {
  dial: (url, protocols) => new WebSocket(url, protocols) as Socket,
  now: () => Date.now(),
  random: () => Math.random(),
  setTimeout: (run, ms) => setTimeout(run, ms),
  clearTimeout: (timer) => clearTimeout(timer as number),
  fetch: (url, request) => fetch(url, request),
  download: async (url, request, maxBytes) => {
    const response = await fetch(url, request);
    if (Number(response.headers.get("content-length") ?? 0) > maxBytes) throw new RangeError("the answer is too large");
    return { status: response.status, bytes: new Uint8Array(await response.arrayBuffer()) };
  },
};
export default browserEnvironment;
