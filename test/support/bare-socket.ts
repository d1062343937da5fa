// A WebSocket of a room without a client library, for tests that break the rules or are refused.
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { WebSocket } from "ws";
import type { Target } from "./subscribers.ts";
import { waitFor, within } from "./wait.ts";

/** A room's close is reported even if the runtime leaves the TCP connection open. */
const OPTIONS = { perMessageDeflate: false, closeTimeout: 1000 };

/** A text message from the room. */
type Message = Readonly<Record<string, unknown>> & { readonly type: string };

/** How a connection ended. */
export interface Ending {
  readonly code: number;
  readonly reason: string;
}

/** The answer to a refused upgrade. */
export interface Answer {
  readonly status: number;
  readonly contentType: string | undefined;
  readonly body: Readonly<Record<string, unknown>>;
}

/** A framed connection that sends whatever a test wants. */
export class BareSocket implements AsyncDisposable {
  readonly #socket: WebSocket;
  readonly #messages: Message[] = [];
  readonly #ending: Promise<Ending>;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("error", () => {});
    socket.on("message", (data, binary) => {
      if (!binary) this.#messages.push(JSON.parse(String(data)) as Message);
    });
    // Not `once`: an error would reject it, and nobody may be waiting yet.
    this.#ending = new Promise((resolve) => {
      socket.once("close", (code, reason) => resolve({ code, reason: String(reason) }));
    });
  }

  static async open(target: Target, query: Readonly<Record<string, string>>): Promise<BareSocket> {
    const protocols = ["roomcast.v1", `token.${target.token}`];
    const url = socketUrl(target, `?${new URLSearchParams(query)}`);
    const socket = new BareSocket(new WebSocket(url, protocols, OPTIONS));
    await once(socket.#socket, "open");
    return socket;
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  send(data: Uint8Array | string): void {
    this.#socket.send(data);
  }

  /** The first message of a type, once it has arrived. */
  told(type: string): Promise<Message> {
    return waitFor(`a message ${type}`, () => this.#messages.find((message) => message.type === type));
  }

  /** How the room ended it, once it has. */
  ending(): Promise<Ending> {
    return within("the end of the connection", this.#ending);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.terminate();
    await this.#ending;
  }
}

/** Requests an upgrade that has to be refused, and returns the answer. Rejects if the upgrade succeeds. */
export async function refusalOf(
  target: Omit<Target, "token">,
  request: { query?: string; authorization?: string | undefined; protocols?: readonly string[] },
): Promise<Answer> {
  const { query = "", authorization, protocols = [] } = request;
  const headers = authorization === undefined ? {} : { authorization };
  const socket = new WebSocket(socketUrl(target, query), [...protocols], { headers });
  socket.on("error", () => {});
  const answered = once(socket, "unexpected-response") as Promise<[unknown, IncomingMessage]>;
  const opened = once(socket, "open").then(() => {
    throw new Error("the upgrade was not refused");
  });
  try {
    const [, response] = await within("an answer", Promise.race([answered, opened]));
    const body = JSON.parse(await text(response)) as Answer["body"];
    return { status: response.statusCode ?? 0, contentType: response.headers["content-type"], body };
  } finally {
    socket.terminate();
  }
}

function socketUrl({ url, room }: Omit<Target, "token">, query: string): string {
  return `${url.replace(/^http/, "ws")}/rooms/${room}/ws${query}`;
}
