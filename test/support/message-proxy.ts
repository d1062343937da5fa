// A proxy between WebSockets and a Worker that works on messages: it drops some, and cuts connections.
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { WebSocket, WebSocketServer } from "ws";

/** Passes every message on, until it is disposed. */
export class MessageProxy implements AsyncDisposable {
  /**
   * Returns true if the Worker's `nth` binary message (from 0) to connection `connection` (from 0) should be dropped.
   */
  drops: (connection: number, nth: number, message: Buffer) => boolean = () => false;
  connections = 0;
  /** The connections that the Worker has sent a binary message: subscribers that take part. */
  readonly served = new Set<number>();
  /** Binary messages to subscribers that were passed on. */
  readonly passed: Buffer[] = [];
  readonly #target: string;
  readonly #server = createServer();
  readonly #near = new WebSocketServer({
    server: this.#server,
    perMessageDeflate: false,
    handleProtocols: () => "roomcast.v1",
  });

  private constructor(target: string) {
    this.#target = target.replace(/^http/, "ws");
    this.#near.on("connection", (socket, request) => this.#connection(socket, request));
  }

  /** Starts it in front of the Worker at `target`. */
  static async start(target: string): Promise<MessageProxy> {
    const proxy = new MessageProxy(target);
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Breaks all connections, as a network does. */
  cut(): void {
    for (const socket of this.#near.clients) socket.terminate();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, "close");
  }

  #connection(near: WebSocket, { url, headers }: IncomingMessage): void {
    const connection = this.connections++;
    const protocols = headers["sec-websocket-protocol"]?.split(/,\s*/) ?? [];
    const { authorization } = headers;
    const far = new WebSocket(`${this.#target}${url}`, protocols, {
      perMessageDeflate: false,
      headers: authorization === undefined ? {} : { authorization },
    });
    const early: [Buffer, boolean][] = [];
    let nth = 0;
    near.on("message", (data: Buffer, isBinary) => {
      if (far.readyState === WebSocket.OPEN) far.send(data, { binary: isBinary });
      else early.push([data, isBinary]);
    });
    far.on("open", () => {
      for (const [data, isBinary] of early) far.send(data, { binary: isBinary });
    });
    far.on("message", (data: Buffer, isBinary) => {
      if (isBinary && this.drops(connection, nth++, data)) return;
      if (isBinary) {
        this.passed.push(data);
        this.served.add(connection);
      }
      near.send(data, { binary: isBinary });
    });
    for (const socket of [near, far]) socket.on("error", () => {});
    near.on("close", () => far.terminate());
    far.on("close", () => near.terminate());
  }
}
