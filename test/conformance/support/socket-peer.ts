// A peer over a WebSocket whose binary messages are payload bytes: plain mode, and most relays.
import { WebSocket } from "ws";
import type { Peer } from "./relay.ts";

export class SocketPeer implements Peer {
  protected readonly socket: WebSocket;
  readonly #chunks: Buffer[] = [];

  protected constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on("message", (data, binary) => {
      if (binary) this.#chunks.push(data as Buffer);
      else this.said(String(data));
    });
  }

  /** Resolves when it is open; undefined: it was refused, or ended before the first message. */
  static async open(
    url: string,
    protocols: string[],
    headers: Record<string, string>,
  ): Promise<SocketPeer | undefined> {
    const options = { headers, perMessageDeflate: false, closeTimeout: 500 };
    const peer = new this(new WebSocket(url, protocols, options));
    return (await peer.isReady()) ? peer : undefined;
  }

  get received(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  get isOpen(): boolean {
    return this.socket.readyState === WebSocket.OPEN;
  }

  send(payload: Buffer, _key?: boolean): void {
    this.socket.send(payload);
  }

  sendRaw(message: Buffer | string): void {
    this.socket.send(message);
  }

  close(): void {
    this.socket.terminate();
  }

  /** A text message arrived. */
  protected said(_text: string): void {}

  protected isReady(): Promise<boolean> {
    return new Promise((resolve) => {
      this.socket.on("open", () => resolve(true));
      this.socket.on("error", () => resolve(false));
    });
  }
}
