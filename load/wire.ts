// A WebSocket on a raw TCP or TLS socket. All connections read into one buffer: ten thousand of them cost no
// allocation.
import { randomBytes } from "node:crypto";
import net from "node:net";
import tls from "node:tls";
import { deferred } from "../client/deferred.ts";
import { clientFrame, Opcode } from "./client-frame.ts";
import { type FrameListener, ServerFrames } from "./server-frames.ts";
import { type Answer, UpgradeAnswer } from "./upgrade-answer.ts";

const READ_BYTES = 256 * 1024;
/** The offer of browsers. A room refuses it: encoded media cannot be compressed again. */
const OFFERED_EXTENSIONS = "permessage-deflate; client_max_window_bits";
const OPEN_MS = 30_000;
/** Reading is synchronous: each chunk is consumed before the next one is read, for any connection. */
const shared = Buffer.alloc(READ_BYTES);

/** How to open a WebSocket at a target. */
export interface Handshake {
  /** Default: 127.0.0.1. */
  readonly address?: string;
  readonly port: number;
  /** The name in the certificate; undefined: no TLS. */
  readonly tlsName?: string | undefined;
  /** The value of the header `Host`; default: address and port. */
  readonly host?: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Gets the result of the upgrade, once, and then the frames. */
export interface WireListener extends FrameListener {
  opened(): void;
  failed(error: Error): void;
}

/** The server answered the upgrade without opening a WebSocket. */
export class UpgradeRefused extends Error {
  override readonly name = "UpgradeRefused";
  readonly answer: Answer & { readonly is: "refused" };

  constructor(answer: Answer & { readonly is: "refused" }) {
    super(`refused: ${answer.status} ${answer.body}`);
    this.answer = answer;
  }
}

/** One WebSocket: opening, open or ended. */
export class Wire {
  readonly #socket: net.Socket;
  readonly #frames: ServerFrames;
  readonly #listener: WireListener;
  /** The answer to the upgrade so far; undefined when it is complete. */
  #answer: UpgradeAnswer | undefined = new UpgradeAnswer();

  /** Begins to open it. */
  constructor(handshake: Handshake, listener: WireListener) {
    this.#listener = listener;
    const pinged = (payload: string) => this.#socket.write(clientFrame(Opcode.pong, Buffer.from(payload, "latin1")));
    this.#frames = new ServerFrames(listener, pinged);
    this.#socket = connect(handshake, (bytes) => {
      this.#read(bytes === READ_BYTES ? shared : shared.subarray(0, bytes));
      return true;
    });
    this.#socket.on("error", (error) => this.#fail(error));
    this.#socket.on("close", () => this.#ended());
    this.#socket.write(upgradeRequest(handshake));
  }

  /** Resolves when the WebSocket is open; rejects if it is refused. */
  static async open(handshake: Handshake, listener: FrameListener): Promise<Wire> {
    const { promise, resolve, reject } = deferred<void>();
    const wire = new Wire(handshake, {
      data: (chunk, start, end, isLast) => listener.data(chunk, start, end, isLast),
      text: (message) => listener.text(message),
      closed: (code, reason) => listener.closed(code, reason),
      opened: resolve,
      failed: reject,
    });
    const timer = setTimeout(() => reject(new Error(`not open within ${OPEN_MS} ms`)), OPEN_MS);
    try {
      await promise;
      return wire;
    } catch (error) {
      wire.#socket.destroy();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Binary messages received so far. */
  get messages(): number {
    return this.#frames.messages;
  }

  /** Bytes that the platform has not written yet. */
  get bufferedAmount(): number {
    return this.#socket.writableLength;
  }

  sendBinary(payload: Uint8Array): void {
    this.#socket.write(clientFrame(Opcode.binary, payload));
  }

  /** Sends a `frame` that `clientFrame` made. */
  sendFrame(frame: Buffer): void {
    this.#socket.write(frame);
  }

  sendText(text: string): void {
    this.#socket.write(clientFrame(Opcode.text, Buffer.from(text)));
  }

  /** Sends a Close, with a code if there is one. */
  sendClose(code?: number): void {
    const payload = Buffer.alloc(code === undefined ? 0 : 2);
    if (code !== undefined) payload.writeUInt16BE(code);
    this.#socket.write(clientFrame(Opcode.close, payload));
  }

  /** Stops reading, like a stalled receiver. */
  stall(): void {
    this.#socket.pause();
  }

  /** Resumes reading. */
  resume(): void {
    this.#socket.resume();
  }

  /** Ends its half of the TCP connection. It may still read. */
  halfClose(): void {
    this.#socket.end();
  }

  /** Cuts the connection. */
  destroy(): void {
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    if (this.#answer === undefined) return this.#frames.push(chunk, 0);
    const answer = this.#answer.push(chunk.toString("latin1"));
    if (answer === undefined) return;
    if (answer.is === "refused") return this.#fail(new UpgradeRefused(answer));
    if (answer.isCompressed) return this.#fail(new Error("the server uses compression"));
    this.#answer = undefined;
    this.#listener.opened();
    this.#frames.push(chunk, chunk.length - answer.rest);
  }

  /** Before the WebSocket is open, reports the error; afterwards, reports the end of the connection. */
  #fail(error: Error): void {
    if (this.#answer === undefined) return;
    this.#answer = undefined;
    this.#listener.failed(error);
    this.#socket.destroy();
  }

  #ended(): void {
    const refusal = this.#answer?.refusal;
    if (refusal === undefined) return this.#listener.closed(1006, "");
    this.#fail(refusal.status === 0 ? new Error("the connection ended") : new UpgradeRefused(refusal));
  }
}

function connect(handshake: Handshake, callback: (bytes: number) => boolean): net.Socket {
  const { address: host = "127.0.0.1", port, tlsName: servername } = handshake;
  const options = { host, port, noDelay: true, onread: { buffer: shared, callback } };
  if (servername === undefined) return net.connect(options);
  // An address is not a server name, but the certificate is still checked against it.
  return tls.connect(net.isIP(servername) === 0 ? { ...options, servername } : options);
}

function upgradeRequest({
  address = "127.0.0.1",
  port,
  host = `${address}:${port}`,
  path,
  headers,
}: Handshake): string {
  const lines = [
    `GET ${path} HTTP/1.1`,
    `Host: ${host}`,
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Key: ${randomBytes(16).toString("base64")}`,
    `Sec-WebSocket-Extensions: ${OFFERED_EXTENSIONS}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ];
  return `${lines.join("\r\n")}\r\n\r\n`;
}
