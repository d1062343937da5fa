// A room that a test scripts: speaks PROTOCOL.md, records what arrives, refuses, withholds, cuts.
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { type ClientMessage, parseClientMessage, type ServerMessage } from "../../../protocol/control.ts";
import { FrameType, readMessage } from "../../../protocol/frame.ts";

/** A frame that the room accepted. */
export interface Taken {
  readonly track: string;
  readonly epoch: string;
  readonly sequence: number;
  readonly flags: number;
  readonly payload: Buffer;
}

/** The room's behaviour, which may change at any time. */
export interface Behaviour {
  /** Bytes that a publisher may have on their way. */
  window: number;
  acks: boolean;
  /** True: it sends `welcome` at once; false: only when `welcomeAll` is called. */
  welcome: boolean;
  /** Closes every connection after the upgrade. */
  closeAtOnce: { code: number; text: string } | undefined;
  /** Refuses upgrades with this token. */
  refuse(token: string): { status: number; code: string } | undefined;
  /** Sends data to a subscriber, after `welcome`. */
  play(socket: WebSocket, query: URLSearchParams): void;
}

interface Track {
  epoch: string;
  sequence: number;
}

/** A scripted room, listening. */
export class ScriptedRoom {
  readonly behaviour: Behaviour = {
    window: 1 << 20,
    acks: true,
    welcome: true,
    closeAtOnce: undefined,
    refuse: () => undefined,
    play: () => {},
  };
  readonly taken: Taken[] = [];
  /** The gaps that publishers reported. */
  readonly gaps: { readonly from: number; readonly to: number }[] = [];
  readonly tokens: string[] = [];
  /** The formats that publishers declared, in their query or later. */
  readonly formats: string[] = [];
  readonly #server = createServer();
  readonly #sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  readonly #tracks = new Map<string, Track>();
  readonly #publishers = new Map<WebSocket, string>();
  #connections = 0;
  #waiting: (() => void)[] = [];

  /** Starts one on a free port. */
  static async start(): Promise<ScriptedRoom> {
    const room = new ScriptedRoom();
    room.#server.on("upgrade", (request, socket, head) => room.#upgrade(request, socket, head));
    room.#server.listen(0, "127.0.0.1");
    await once(room.#server, "listening");
    return room;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The number of connections so far. */
  get connections(): number {
    return this.#connections;
  }

  /** The payloads that the room accepted, concatenated. */
  get bytes(): Buffer {
    return Buffer.concat(this.taken.map(({ payload }) => payload));
  }

  /** Tells all publishers the new window. */
  openWindow(window: number): void {
    this.behaviour.window = window;
    for (const [socket, track] of this.#publishers) this.#acknowledge(socket, track);
  }

  /** Accepts the waiting connections. */
  welcomeAll(): void {
    for (const welcome of this.#waiting.splice(0)) welcome();
  }

  /** Breaks all connections, as a network does. */
  cut(): void {
    for (const socket of this.#publishers.keys()) socket.terminate();
  }

  /** Closes all connections with a code. */
  closeAll(code: number, text: string): void {
    for (const socket of this.#publishers.keys()) socket.close(code, text);
  }

  async stop(): Promise<void> {
    this.cut();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const protocols = request.headers["sec-websocket-protocol"] ?? "";
    const token = /token\.([^,\s]+)/.exec(protocols)?.[1] ?? "";
    this.tokens.push(token);
    const refusal = this.behaviour.refuse(token);
    if (refusal !== undefined) {
      const body = JSON.stringify({ type: "about:blank", status: refusal.status, code: refusal.code });
      socket.end(
        `HTTP/1.1 ${refusal.status} No\r\nContent-Type: application/problem+json\r\n` +
          `Content-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
      );
      return;
    }
    this.#sockets.handleUpgrade(request, socket, head, (ws) => this.#welcome(ws, new URL(request.url ?? "", this.url)));
  }

  #welcome(socket: WebSocket, url: URL): void {
    const { closeAtOnce, welcome } = this.behaviour;
    const accept = () => this.#accept(socket, url);
    if (closeAtOnce !== undefined) socket.close(closeAtOnce.code, closeAtOnce.text);
    else if (welcome) accept();
    else this.#waiting.push(accept);
  }

  #accept(socket: WebSocket, url: URL): void {
    const query = url.searchParams;
    this.#connections += 1;
    const room = url.pathname.split("/")[2] ?? "";
    say(socket, { type: "welcome", connection: `c${this.#connections}`, room, now: Date.now() });
    if (query.get("role") === "publish") this.#publisher(socket, query);
    else this.behaviour.play(socket, query);
  }

  #publisher(socket: WebSocket, query: URLSearchParams): void {
    const name = query.get("track") ?? "main";
    this.formats.push(...query.getAll("format"));
    const [epoch = "", sequence = ""] = (query.get("resume") ?? "").split(".");
    const known = this.#tracks.get(name);
    const resumed = epoch !== "" && (known === undefined || known.epoch === epoch);
    const track = resumed
      ? { epoch, sequence: known?.sequence ?? Number(sequence) }
      : { epoch: `e${this.#connections}`, sequence: 0 };
    this.#tracks.set(name, track);
    this.#publishers.set(socket, name);
    socket.on("close", () => this.#publishers.delete(socket));
    socket.on("message", (data: Buffer, binary) => this.#message(socket, name, data, binary));
    say(socket, { type: "publish", track: 0, name, ...track, window: this.behaviour.window, init: false });
  }

  #message(socket: WebSocket, name: string, data: Buffer, binary: boolean): void {
    if (!binary) {
      if (data.toString() === "ping") {
        socket.send("pong");
        return;
      }
      this.#skip(name, parseClientMessage(data.toString()));
      if (this.behaviour.acks) this.#acknowledge(socket, name);
      return;
    }
    const track = this.#tracks.get(name);
    if (track === undefined) return;
    for (const { type, sequence, flags, start, end } of readMessage(data)) {
      if (type !== FrameType.frame || sequence < track.sequence) continue;
      if (sequence > track.sequence) {
        socket.close(4504, "out_of_sequence");
        return;
      }
      track.sequence += 1;
      this.taken.push({ track: name, epoch: track.epoch, sequence, flags, payload: data.subarray(start, end) });
    }
    if (this.behaviour.acks) this.#acknowledge(socket, name);
  }

  #skip(name: string, message: ClientMessage): void {
    const track = this.#tracks.get(name);
    if (message.type === "format") this.formats.push(message.format);
    if (track === undefined || message.type !== "gap") return;
    if (message.from !== track.sequence) throw new Error(`a gap from ${message.from}, not ${track.sequence}`);
    track.sequence = message.to + 1;
    this.gaps.push({ from: message.from, to: message.to });
  }

  #acknowledge(socket: WebSocket, name: string): void {
    const sequence = this.#tracks.get(name)?.sequence ?? 0;
    say(socket, { type: "ack", sequence, window: this.behaviour.window });
  }
}

/** Sends a control message. */
export function say(socket: WebSocket, message: ServerMessage): void {
  socket.send(JSON.stringify(message));
}
