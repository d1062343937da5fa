// A room that a test scripts: speaks the subscriber's side of PROTOCOL.md for one track and keeps all frames.
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { PING, PONG, type ServerMessage } from "../../../protocol/control.ts";
import { encodeMessage, Flag, type Frame, FrameType } from "../../../protocol/frame.ts";
import { parseStart } from "../../../protocol/position.ts";
import type { SplitFrame } from "../../../protocol/splitter.ts";

const NAME = "main";
const OCCUPANCY_EVERY_MS = 500;

/** One room; every connection becomes a viewer. */
export class ScriptedRoom {
  readonly #sockets = new Set<WebSocket>();
  readonly #server = new WebSocketServer({ noServer: true, handleProtocols: () => "roomcast.v1" });
  readonly #occupancy: NodeJS.Timeout;
  #epoch = 1;
  #frames: Frame[] = [];
  #init: Frame | undefined;
  #skipFrom: number | undefined;
  #online = true;
  /** The start that each connection asked for. */
  readonly starts: (string | null)[] = [];

  constructor() {
    this.#occupancy = setInterval(() => {
      this.#tell({ type: "occupancy", subscribers: this.#sockets.size, publishers: 1 });
    }, OCCUPANCY_EVERY_MS);
  }

  /** Accepts an upgrade request of the HTTP server. */
  accept(request: Parameters<WebSocketServer["handleUpgrade"]>[0], socket: Duplex, head: Buffer): void {
    const { searchParams } = new URL(request.url ?? "/", "http://room");
    this.#server.handleUpgrade(request, socket, head, (viewer) => this.#welcome(viewer, searchParams.get("start")));
  }

  /** The source sent these. */
  publish(frames: readonly SplitFrame[]): void {
    for (const { flags, payload } of frames) {
      const frame = { ...this.#header(FrameType.frame, flags), payload };
      this.#frames.push(frame);
      if ((flags & Flag.init) !== 0) this.#init = { ...frame, type: FrameType.init, flags: 0 };
      this.#deliver(frame);
    }
  }

  /** The source restarted. */
  newEpoch(): void {
    this.#epoch += 1;
    this.#frames = [];
    this.#init = undefined;
    this.#skipFrom = undefined;
  }

  /** All viewers lag: they get nothing, and a gap at the next group. */
  skip(): void {
    this.#skipFrom ??= this.#frames.length;
  }

  /** The source comes or goes. */
  setSource(online: boolean): void {
    this.#online = online;
    this.#tell({ type: "source", name: NAME, state: online ? "online" : "offline" });
  }

  /** Cuts all connections, without a close frame. */
  drop(): void {
    for (const socket of this.#sockets) socket.terminate();
  }

  /** Closes all connections. */
  closeAll(code: number, reason: string): void {
    for (const socket of this.#sockets) socket.close(code, reason);
  }

  /** Ends the room permanently. */
  stop(): void {
    clearInterval(this.#occupancy);
    this.drop();
  }

  #welcome(socket: WebSocket, start: string | null): void {
    this.#sockets.add(socket);
    this.starts.push(start);
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("message", (data) => {
      if (String(data) === PING) socket.send(PONG);
    });
    const say = (message: ServerMessage) => socket.send(JSON.stringify(message));
    say({ type: "welcome", connection: "c1", room: "demo", now: Date.now() });
    say({ type: "source", name: NAME, state: this.#online ? "online" : "offline" });
    if (this.#frames.length === 0) return;
    const from = this.#startOf(start);
    const resumes = from !== undefined;
    const first =
      from ??
      Math.max(
        0,
        this.#frames.findLastIndex((frame) => (frame.flags & Flag.key) !== 0),
      );
    say(this.#trackMessage(first));
    if (!resumes && this.#init !== undefined) socket.send(encodeMessage([this.#init]));
    for (const frame of this.#frames.slice(first)) socket.send(encodeMessage([frame]));
    say({ type: "caught-up", name: NAME, epoch: this.#epochName, sequence: this.#frames.length });
  }

  /** The frame at which a resume continues, if it can. */
  #startOf(start: string | null): number | undefined {
    const parsed = parseStart(start ?? "group");
    if (parsed.at !== "position") return undefined;
    const [position] = parsed.positions.values();
    return position?.epoch === this.#epochName ? position.sequence : undefined;
  }

  #deliver(frame: Frame): void {
    if (this.#skipFrom !== undefined) {
      if ((frame.flags & Flag.key) === 0) return;
      const gap = { from: this.#skipFrom, to: frame.sequence - 1, reason: "lagged" as const };
      this.#skipFrom = undefined;
      this.#tell({ type: "gap", name: NAME, epoch: this.#epochName, ...gap });
    }
    if (frame.sequence === 0) this.#tell(this.#trackMessage(0));
    for (const socket of this.#sockets) socket.send(encodeMessage([frame]));
  }

  #tell(message: ServerMessage): void {
    for (const socket of this.#sockets) socket.send(JSON.stringify(message));
  }

  get #epochName(): string {
    return `e${this.#epoch}`;
  }

  #trackMessage(sequence: number): ServerMessage {
    return { type: "track", track: 0, name: NAME, epoch: this.#epochName, sequence };
  }

  #header(type: number, flags: number): Omit<Frame, "payload"> {
    return { type, flags, track: 0, sequence: this.#frames.length, timestamp: Date.now() };
  }
}
