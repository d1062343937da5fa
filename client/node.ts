// The environment of Node: the package `ws`, which says why an upgrade was refused and can stop reading.
import { randomInt } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { WebSocket } from "ws";
import { MAX_MESSAGE_BYTES } from "../protocol/limits.ts";
import type { Download, Environment, HttpAnswer, HttpRequest, Refusal, Socket } from "./environment.ts";
import { problemCode } from "./refused-error.ts";
import { retryAfterMs } from "./retry-after.ts";

const MAX_PROBLEM_BYTES = 64 * 1024;
const MAX_DETAIL_CHARS = 200;
/** Time for the peer to close. Then the TCP connection is cut. */
const CLOSING_MS = 2000;
/** Time for an HTTP request. Then it counts as failed. */
const REQUEST_MS = 10_000;
/** Time for downloading a segment of a recording. */
const DOWNLOAD_MS = 60_000;
const OPTIONS = {
  perMessageDeflate: false,
  maxPayload: MAX_MESSAGE_BYTES,
  /**
   * The package's types lack this option. With it, the room's close is reported even if the room leaves the TCP
   * connection open.
   */
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
  download,
  tellsRefusals: true,
};
export default nodeEnvironment;

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

  /** Resumes reading: the peer's close frame may be behind unread data. */
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

/**
 * Never zero: a zero mask changes nothing, so the package would send without a copy, and `send` would take no snapshot.
 */
function generateMask(mask: Buffer): void {
  mask.writeUInt32LE(randomInt(1, 2 ** 32));
}

async function readRefusal(response: IncomingMessage): Promise<Refusal> {
  const status = response.statusCode ?? 0;
  const waitMs = retryAfterMs(response.headers["retry-after"], Date.now());
  try {
    const problem: unknown = JSON.parse(await readText(response));
    return { status, code: problemCode(problem, status), detail: detailOf(problem), retryAfterMs: waitMs };
  } catch {
    return { status, code: problemCode(undefined, status), retryAfterMs: waitMs };
  }
}

/** The `detail` of a problem document, without control characters. */
function detailOf(problem: unknown): string | undefined {
  const detail = typeof problem === "object" && problem !== null && "detail" in problem ? problem.detail : undefined;
  return typeof detail === "string" ? detail.slice(0, MAX_DETAIL_CHARS).replace(/\p{Cc}/gu, " ") : undefined;
}

/** Reads the whole answer, because an unread body would keep its TCP connection. */
async function ask(url: string, request: HttpRequest): Promise<HttpAnswer> {
  const response = await fetch(url, { ...request, signal: AbortSignal.timeout(REQUEST_MS) });
  const text = await readText(response.body ?? []);
  return { status: response.status, headers: response.headers, json: async () => JSON.parse(text) };
}

async function download(url: string, request: HttpRequest, maxBytes: number): Promise<Download> {
  const response = await fetch(url, { ...request, signal: AbortSignal.timeout(DOWNLOAD_MS) });
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > maxBytes) throw new RangeError("the answer is too large");
    chunks.push(chunk);
  }
  return { status: response.status, bytes: view(Buffer.concat(chunks)) };
}

/** Reads at most `MAX_PROBLEM_BYTES`. A longer text is cut, and is then not JSON. */
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
