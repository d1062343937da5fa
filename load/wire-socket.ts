// The client's `Socket` on a wire: the interface that the reconnecting connection needs, with less than half of the
// memory of the package `ws`.
import type { Environment, Refusal, Socket } from "../client/environment.ts";
import { problemCode } from "../client/refused-error.ts";
import { retryAfterMs } from "../client/retry-after.ts";
import { PING } from "../protocol/control.ts";
import { MAX_MESSAGE_BYTES } from "../protocol/limits.ts";
import { clientFrame, Opcode } from "./client-frame.ts";
import type { Destination } from "./destination.ts";
import { jsonOf } from "./upgrade-answer.ts";
import { UpgradeRefused, Wire, type WireListener } from "./wire.ts";

/** Time for the peer to close. Then the TCP connection is cut. */
const CLOSING_MS = 2000;
const TOO_LARGE = 1009;
/** The connection gave up its attempt. */
const NOT_OPEN = "not_open_in_time";
const ABNORMAL = 1006;
const PING_FRAME = clientFrame(Opcode.text, Buffer.from(PING));

/** The mode of subscribers: frames with headers and control messages, or only payload bytes. */
export type Mode = "framed" | "plain";

/**
 * The environment of the client's connections. The bytes of `onmessage` are valid until it returns, because all
 * connections read into one buffer. In plain mode, a message comes in the parts in which it arrives. `failed` gets the
 * reason why a TCP connection failed.
 */
export function wireEnvironment(to: Destination, mode: Mode, failed: (code: string) => void): Environment {
  return {
    dial: (url, protocols) => new WireSocket(to, mode, url, protocols, failed),
    now: () => Date.now(),
    random: () => Math.random(),
    setTimeout: (run, ms) => setTimeout(run, ms),
    clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
    tellsRefusals: true,
  };
}

class WireSocket implements Socket, WireListener {
  binaryType = "arraybuffer";
  onopen: Socket["onopen"] = null;
  onmessage: Socket["onmessage"] = null;
  onclose: Socket["onclose"] = null;
  onerror: Socket["onerror"] = null;
  readonly #wire: Wire;
  readonly #mode: Mode;
  readonly #failed: (code: string) => void;
  /** Parts of an incomplete message. */
  #parts: Buffer[] = [];
  #partBytes = 0;
  #state: "opening" | "open" | "over" = "opening";

  constructor(to: Destination, mode: Mode, url: string, protocols: string[], failed: (code: string) => void) {
    this.#mode = mode;
    this.#failed = failed;
    const { pathname, search } = new URL(url);
    const headers = headersOf(mode, protocols);
    this.#wire = new Wire({ ...to, path: pathname + search, headers }, this);
  }

  get bufferedAmount(): number {
    return this.#wire.bufferedAmount;
  }

  send(data: string | Uint8Array<ArrayBuffer>): void {
    if (data === PING) this.#wire.sendFrame(PING_FRAME);
    else if (typeof data === "string") this.#wire.sendText(data);
    else this.#wire.sendBinary(data);
  }

  close(code?: number): void {
    if (this.#state === "open") this.#wire.sendClose(code);
    if (this.#state === "opening") {
      this.#failed(NOT_OPEN);
      this.#wire.destroy();
    }
    this.#leave();
  }

  opened(): void {
    if (this.#state === "over") return;
    this.#state = "open";
    this.onopen?.();
  }

  failed(error: Error): void {
    if (this.#state === "over") return;
    this.#state = "over";
    const isRefusal = error instanceof UpgradeRefused;
    if (!isRefusal) this.#failed("code" in error ? String(error.code) : error.message);
    this.onclose?.({ code: ABNORMAL, reason: "", refusal: isRefusal ? refusalOf(error) : undefined });
  }

  data(chunk: Buffer, start: number, end: number, isLast: boolean): void {
    if (this.#state !== "open") return;
    const isWhole = isLast && this.#partBytes === 0;
    if (this.#mode === "plain" || isWhole) {
      this.onmessage?.({ data: new Uint8Array(chunk.buffer, chunk.byteOffset + start, end - start) });
      return;
    }
    this.#partBytes += end - start;
    if (this.#partBytes > MAX_MESSAGE_BYTES) return this.closed(TOO_LARGE, "");
    this.#parts.push(Buffer.from(chunk.subarray(start, end)));
    if (!isLast) return;
    const message = Buffer.concat(this.#parts, this.#partBytes);
    this.#forget();
    this.onmessage?.({ data: new Uint8Array(message.buffer, message.byteOffset, message.byteLength) });
  }

  text(message: string): void {
    if (this.#state === "open") this.onmessage?.({ data: message });
  }

  closed(code: number, reason: string): void {
    if (this.#state === "over") return;
    // 1005 and 1006 are never sent.
    if (code !== ABNORMAL) this.#wire.sendClose(code === 1005 ? undefined : code);
    this.#leave();
    this.onclose?.({ code, reason });
  }

  #leave(): void {
    this.#state = "over";
    this.#forget();
    this.#wire.halfClose();
    setTimeout(() => this.#wire.destroy(), CLOSING_MS).unref();
  }

  #forget(): void {
    this.#parts = [];
    this.#partBytes = 0;
  }
}

/** Plain mode has no subprotocol, so the token goes into a header. */
function headersOf(mode: Mode, protocols: readonly string[]): Record<string, string> {
  if (mode === "framed") return { "sec-websocket-protocol": protocols.join(", ") };
  const token = protocols.find((protocol) => protocol.startsWith("token."))?.slice("token.".length);
  return { authorization: `Bearer ${token}` };
}

function refusalOf({ answer }: UpgradeRefused): Refusal {
  const { status, retryAfter, body } = answer;
  return { status, code: problemCode(jsonOf(body), status), retryAfterMs: retryAfterMs(retryAfter, Date.now()) };
}
