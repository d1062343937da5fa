// A subscriber on a bare `ws` socket, framed or plain: counts its data, pings by the rule, and can stop reading.
import WebSocket from "ws";
import { FrameType, readMessage } from "../../protocol/frame.ts";
import { PING_EVERY_BYTES, PING_EVERY_MS } from "../../protocol/limits.ts";

export interface Gap {
  readonly from: number;
  readonly to: number | null;
  readonly reason: string;
}

/** A room's close is reported even if the runtime leaves the TCP connection open. */
const OPTIONS = { perMessageDeflate: false, closeTimeout: 1000 };

/** Checks that sequences are contiguous except for gaps. Stores an error in `fault`. */
export class RawSubscriber {
  readonly socket: WebSocket;
  readonly gaps: Gap[] = [];
  readonly texts: Record<string, unknown>[] = [];
  readonly #framed: boolean;
  /** Called with each message's payload-bearing bytes. */
  onBytes: ((bytes: Uint8Array, at: number) => void) | undefined;
  bytes = 0;
  frames = 0;
  /** The next sequence; undefined before the first frame. */
  next: number | undefined;
  fault: string | undefined;
  closed: { readonly code: number; readonly reason: string } | undefined;
  #sincePong = 0;
  #pinged = false;

  /** `token` undefined: it has none. */
  constructor(
    url: string,
    token: string | undefined,
    options: { framed: boolean; query?: string; pings?: boolean; headers?: Record<string, string> },
  ) {
    this.#framed = options.framed;
    const headers = { ...options.headers, ...(token !== undefined && { authorization: `Bearer ${token}` }) };
    const protocols = options.framed ? ["roomcast.v1"] : [];
    this.socket = new WebSocket(`${url}?${options.query ?? ""}`, protocols, { ...OPTIONS, headers });
    this.socket.on("message", (data: Buffer, isBinary: boolean) =>
      this.#message(data, isBinary, options.pings ?? true),
    );
    this.socket.on("error", (error) => {
      this.fault ??= error.message;
    });
    const timer = options.pings === false ? undefined : setInterval(() => this.ping(), PING_EVERY_MS);
    this.socket.on("close", (code, reason) => {
      clearInterval(timer);
      this.closed = { code, reason: reason.toString() };
    });
  }

  /** Resolves when the socket is open. */
  async opened(): Promise<this> {
    if (this.socket.readyState === WebSocket.CONNECTING) {
      await new Promise((resolve, reject) => {
        this.socket.once("open", resolve);
        this.socket.once("error", reject);
      });
    }
    return this;
  }

  ping(): void {
    if (this.#pinged || this.socket.readyState !== WebSocket.OPEN) return;
    this.#pinged = true;
    this.socket.send("ping");
  }

  #message(data: Buffer, isBinary: boolean, pings: boolean): void {
    if (!isBinary) return this.#text(data.toString());
    this.bytes += data.byteLength;
    this.#sincePong += data.byteLength;
    if (pings && this.#sincePong >= PING_EVERY_BYTES) this.ping();
    this.onBytes?.(data, Date.now());
    if (this.#framed) this.#frames(data);
  }

  #frames(data: Buffer): void {
    for (const { type, sequence } of readMessage(data)) {
      if (type === FrameType.init) continue;
      if (this.next !== undefined && sequence !== this.next) this.fault ??= `${sequence} where ${this.next} was due`;
      this.next = sequence + 1;
      this.frames++;
    }
  }

  #text(text: string): void {
    if (text === "pong") {
      this.#pinged = false;
      this.#sincePong = 0;
      return;
    }
    const message = JSON.parse(text);
    this.texts.push(message);
    if (message.type === "track") this.next ??= message.sequence;
    if (message.type !== "gap") return;
    if (message.from !== this.next) this.fault ??= `gap from ${message.from} where ${this.next} was due`;
    this.gaps.push(message);
    this.next = message.to === null ? undefined : message.to + 1;
  }
}
