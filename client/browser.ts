// The environment of a browser (and of any platform with its WebSocket, fetch and timers).
import type { Environment, Socket } from "./environment.ts";

/** A browser's WebSocket does not say why an upgrade was refused and cannot stop reading; `fetch` asks for the reason. */
export const browserEnvironment: Environment = {
  dial: (url, protocols) => new WebSocket(url, protocols) as Socket,
  now: () => Date.now(),
  random: () => Math.random(),
  setTimeout: (run, ms) => setTimeout(run, ms),
  clearTimeout: (timer) => clearTimeout(timer as number),
  fetch: (url, request) => fetch(url, request),
};
