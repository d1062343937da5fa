// The environment of Node: the package `ws`, which tells why an upgrade was refused and can stop reading.
import { randomInt } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { WebSocket } from "ws";
import { MAX_MESSAGE_BYTES } from "../protocol/limits.ts";
import type { Environment, Refusal, Socket } from "./environment.ts";
import { problemCode } from "./errors.ts";

const MAX_PROBLEM_BYTES = 64 * 1024;
/** How long the peer may take to close; after that the TCP connection is cut. */
const CLOSING_MS = 2000;
const OPTIONS = {
  perMessageDeflate: false,
  maxPayload: MAX_MESSAGE_BYTES,
  /** The package's types lack it. A room's close is told even if it leaves the TCP connection open. */
  closeTimeout: CLOSING_MS,
  generateMask,
};

/** For processes: bridges, tools, tests. */
export const nodeEnvironment: Environment = {
  dial: (url, protocols) => new NodeSocket(url, protocols),
  now: () => Date.now(),
  random: () => Math.random(),
  setTimeout: (run, ms) => setTimeout(run, ms),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
};

class NodeSocket implements Socket {
  binaryType = "arraybuffer";
  onopen: Socket["onopen"] = null;
  onmessage: Socket["onmessage"] = null;
  onclose: Socket["onclose"] = null;
  onerror: Socket["onerror"] = null;
  readonly #socket: WebSocket;
  #refusal: Refusal | undefined;

  constructor(url: string, protocols: string[]) {
    const socket = new WebSocket(url, protocols, OPTIONS);
    this.#socket = socket;
    socket.on("open", () => this.onopen?.());
    socket.on("message", (data, binary) => this.onmessage?.({ data: binary ? view(data as Buffer) : String(data) }));
    socket.on("error", () => this.onerror?.());
    socket.on("close", (code, reason) => this.onclose?.({ code, reason: String(reason), refusal: this.#refusal }));
    socket.on("unexpected-response", async (_request, response) => {
      this.#refusal = await readRefusal(response);
      socket.terminate();
    });
  }

  get bufferedAmount(): number {
    return this.#socket.bufferedAmount;
  }

  send(data: string | Uint8Array<ArrayBuffer>): void {
    this.#socket.send(data);
  }

  /** Goes on reading: the peer's close frame may be behind what was not read. */
  close(code?: number, reason?: string): void {
    this.#socket.resume();
    this.#socket.close(code, reason);
    const cut = setTimeout(() => this.#socket.terminate(), CLOSING_MS);
    this.#socket.on("close", () => clearTimeout(cut));
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }
}

/** A `Uint8Array` of its own class: its `subarray` is cheaper than that of a `Buffer`. */
function view(data: Buffer): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** Never zero: such a mask changes nothing, so that the package would send without a copy, and `send` be no snapshot. */
function generateMask(mask: Buffer): void {
  mask.writeUInt32LE(randomInt(1, 2 ** 32));
}

async function readRefusal(response: IncomingMessage): Promise<Refusal> {
  const status = response.statusCode ?? 0;
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      size += chunk.byteLength;
      if (size > MAX_PROBLEM_BYTES) break;
      chunks.push(chunk);
    }
    return { status, code: problemCode(JSON.parse(Buffer.concat(chunks).toString()), status) };
  } catch {
    return { status, code: problemCode(undefined, status) };
  }
}
