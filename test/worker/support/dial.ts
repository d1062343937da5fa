// The client library inside the runtime: its environment, with sockets to the Worker under test.
import type { Environment, Socket } from "../../../client/environment.ts";
import { request } from "./rooms.ts";

/** The base URL for the client. */
export const URL_BASE = "http://roomcast.test";

/** Timers and clock of the runtime, without delays between attempts. */
export const environment: Environment = {
  dial: (url, protocols) => dial(url, protocols),
  now: () => Date.now(),
  random: () => 0,
  setTimeout: (run, ms) => setTimeout(run, ms),
  clearTimeout: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout>),
};

function dial(url: string, protocols: string[]): Socket {
  let open: WebSocket | undefined;
  const socket: Socket = {
    binaryType: "arraybuffer",
    bufferedAmount: 0,
    send: (data) => open?.send(data),
    close: (code, reason) => open?.close(code, reason),
    onopen: null,
    onmessage: null,
    onclose: null,
    onerror: null,
  };
  const { pathname, search } = new URL(url);
  const headers = { upgrade: "websocket", "sec-websocket-protocol": protocols.join(", ") };
  const failed = () => socket.onclose?.({ code: 1006, reason: "" });
  const opened = request(pathname + search, { headers }).then(async (response) => {
    if (!response.webSocket) {
      const { code } = (await response.json()) as { code: string };
      return socket.onclose?.({ code: 1006, reason: "", refusal: { status: response.status, code } });
    }
    open = response.webSocket;
    open.binaryType = "arraybuffer";
    open.addEventListener("message", (event) => socket.onmessage?.(event));
    open.addEventListener("close", (event) => socket.onclose?.(event));
    open.accept();
    socket.onopen?.();
  });
  opened.catch(failed);
  return socket;
}
