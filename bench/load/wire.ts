// A WebSocket on a raw TCP socket. All connections read into one buffer: a thousand of them cost no allocation.
import { randomBytes } from "node:crypto";
import net from "node:net";
import { deferred } from "../../client/deferred.ts";
import { clientFrame, Opcode } from "./client-frame.ts";
import { type FrameListener, ServerFrames } from "./server-frames.ts";

const READ_BYTES = 256 * 1024;
/** What browsers offer. A room refuses: encoded media does not compress again. */
const OFFERED_EXTENSIONS = "permessage-deflate; client_max_window_bits";
const HEAD_END = "\r\n\r\n";
const OPEN_MS = 30_000;
/** Reading is synchronous: a chunk is consumed before the next one is read, for whomever. */
const shared = Buffer.alloc(READ_BYTES);

/** How to open a WebSocket at a target. */
export interface Handshake {
  readonly port: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** One open WebSocket. */
export class Wire {
  readonly #socket: net.Socket;
  readonly #frames: ServerFrames;
  /** What came of the answer to the upgrade; undefined once it is complete. */
  #head: string | undefined = "";
  #settle: ((error?: Error) => void) | undefined;

  private constructor(handshake: Handshake, listener: FrameListener) {
    this.#frames = new ServerFrames(listener);
    const callback = (bytes: number): boolean => {
      this.#read(bytes === READ_BYTES ? shared : shared.subarray(0, bytes));
      return true;
    };
    const { port } = handshake;
    this.#socket = net.connect({ host: "127.0.0.1", port, noDelay: true, onread: { buffer: shared, callback } });
    this.#socket.on("error", (error) => this.#settle?.(error));
    this.#socket.on("close", () => {
      this.#settle?.(new Error("the connection ended"));
      listener.closed(1006, "");
    });
    this.#socket.write(upgradeRequest(handshake));
  }

  /** Resolves once the WebSocket is open; rejects where it is refused. */
  static async open(handshake: Handshake, listener: FrameListener): Promise<Wire> {
    const { promise, resolve, reject } = deferred<void>();
    const wire = new Wire(handshake, listener);
    const timer = setTimeout(() => wire.#settle?.(new Error(`not open within ${OPEN_MS} ms`)), OPEN_MS);
    wire.#settle = (error) => (error === undefined ? resolve() : reject(error));
    try {
      await promise;
      return wire;
    } catch (error) {
      wire.#socket.destroy();
      throw error;
    } finally {
      clearTimeout(timer);
      wire.#settle = undefined;
    }
  }

  /** Binary messages received so far. */
  get messages(): number {
    return this.#frames.messages;
  }

  sendBinary(payload: Uint8Array): void {
    this.#socket.write(clientFrame(Opcode.binary, payload));
  }

  /** `frame` as `clientFrame` made it. */
  sendFrame(frame: Buffer): void {
    this.#socket.write(frame);
  }

  sendText(text: string): void {
    this.#socket.write(clientFrame(Opcode.text, Buffer.from(text)));
  }

  /** Says Close; without a code where there is none. */
  sendClose(code?: number): void {
    const payload = Buffer.alloc(code === undefined ? 0 : 2);
    if (code !== undefined) payload.writeUInt16BE(code);
    this.#socket.write(clientFrame(Opcode.close, payload));
  }

  /** Reads no more: what a stalled receiver does. */
  stall(): void {
    this.#socket.pause();
  }

  /** Reads again. */
  resume(): void {
    this.#socket.resume();
  }

  /** Ends its half of the TCP connection, and may go on reading. */
  halfClose(): void {
    this.#socket.end();
  }

  /** Cuts the connection. */
  destroy(): void {
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    if (this.#head === undefined) this.#frames.push(chunk, 0);
    else this.#readHead(chunk, this.#head.length);
  }

  /** The answer to the upgrade, of which `before` bytes are there. */
  #readHead(chunk: Buffer, before: number): void {
    const head = this.#head + chunk.toString("latin1");
    const end = head.indexOf(HEAD_END);
    this.#head = end === -1 ? head : undefined;
    if (end === -1) return;
    const isOpen = head.startsWith("HTTP/1.1 101 ");
    const isCompressed = /^sec-websocket-extensions:/im.test(head);
    if (!isOpen) this.#settle?.(new Error(`refused: ${head}`));
    else this.#settle?.(isCompressed ? new Error(`the server compresses: ${head}`) : undefined);
    if (isOpen && !isCompressed) this.#frames.push(chunk, end + HEAD_END.length - before);
  }
}

function upgradeRequest({ port, path, headers }: Handshake): string {
  const lines = [
    `GET ${path} HTTP/1.1`,
    `Host: 127.0.0.1:${port}`,
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Key: ${randomBytes(16).toString("base64")}`,
    `Sec-WebSocket-Extensions: ${OFFERED_EXTENSIONS}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ];
  return `${lines.join("\r\n")}${HEAD_END}`;
}
