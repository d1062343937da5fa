// The client's environment inside the runtime: its WebSockets go straight to the Worker under test.
import type { Environment, Socket, SocketClose } from "../../../client/environment.ts";
import { request } from "./rooms.ts";

/** A dialled WebSocket. A refusal of the Worker ends in `onclose`, with the refusal's code. */
class WorkerSocket implements Socket {
  binaryType = "arraybuffer";
  readonly bufferedAmount = 0;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: SocketClose) => void) | null = null;
  onerror: (() => void) | null = null;
  #socket: WebSocket | undefined;
  #over = false;

  constructor(url: string, protocols: string[]) {
    void this.#open(new URL(url), protocols);
  }

  send(data: string | Uint8Array<ArrayBuffer>): void {
    if (!this.#over) this.#socket?.send(data);
  }

  close(code = 1000, reason = ""): void {
    if (!this.#over) this.#socket?.close(code, reason);
    this.#end({ code: 1006, reason: "" });
  }

  async #open(url: URL, protocols: string[]): Promise<void> {
    const headers = { upgrade: "websocket", "sec-websocket-protocol": protocols.join(", ") };
    const response = await request(url.pathname + url.search, { headers }).catch(() => undefined);
    const socket = response?.webSocket;
    if (this.#over) return socket?.accept();
    if (response === undefined || !socket) {
      const code = response === undefined ? "" : ((await response.json()) as { code: string }).code;
      return this.#end({ code: 1006, reason: "", refusal: { status: response?.status ?? 503, code } });
    }
    socket.binaryType = "arraybuffer";
    socket.addEventListener("message", ({ data }) => !this.#over && this.onmessage?.({ data }));
    socket.addEventListener("close", ({ code, reason }) => this.#end({ code, reason }));
    socket.addEventListener("error", () => this.#end({ code: 1006, reason: "" }));
    socket.accept();
    this.#socket = socket;
    this.onopen?.();
  }

  #end(event: SocketClose): void {
    if (this.#over) return;
    this.#over = true;
    this.onclose?.(event);
  }
}

/** `hurry`: delays are a tenth, so that reconnects do not take the test's time. */
export const workerEnvironment: Environment = {
  dial: (url, protocols) => new WorkerSocket(url, protocols),
  now: () => Date.now(),
  random: () => Math.random(),
  setTimeout: (run, ms) => setTimeout(run, ms / 10),
  clearTimeout: (timer) => clearTimeout(timer as number),
};
