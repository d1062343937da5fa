// The environment of Node: the package `ws`, which tells why an upgrade was refused and can stop reading.
import { randomInt } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { WebSocket } from "ws";
import { MAX_MESSAGE_BYTES } from "../protocol/limits.ts";
import type { Environment, HttpAnswer, HttpRequest, Refusal, Socket } from "./environment.ts";
import { problemCode } from "./refused-error.ts";
import { retryAfterMs } from "./retry-after.ts";

const MAX_PROBLEM_BYTES = 64 * 1024;
/** How long the peer may take to close; after that the TCP connection is cut. */
const CLOSING_MS = 2000;
/** How long an HTTP request may take; after that it counts as failed. */
const REQUEST_MS = 10_000;
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
  fetch: ask,
  tellsRefusals: true,
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
  const waitMs = retryAfterMs(response.headers["retry-after"], Date.now());
  try {
    return { status, code: problemCode(JSON.parse(await readText(response)), status), retryAfterMs: waitMs };
  } catch {
    return { status, code: problemCode(undefined, status), retryAfterMs: waitMs };
  }
}

/** Reads the whole answer: a body that nobody reads would keep its TCP connection. */
async function ask(url: string, request: HttpRequest): Promise<HttpAnswer> {
  const response = await fetch(url, { ...request, signal: AbortSignal.timeout(REQUEST_MS) });
  const text = await readText(response.body ?? []);
  return { status: response.status, headers: response.headers, json: async () => JSON.parse(text) };
}

/** At most `MAX_PROBLEM_BYTES`; what is longer is cut, and no JSON any more. */
async function readText(body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > MAX_PROBLEM_BYTES) break;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
