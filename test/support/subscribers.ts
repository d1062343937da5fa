// Subscribers of a real Worker for tests: they count and hash the data, and resolve when all of it has arrived.
import { createHash } from "node:crypto";
import { once } from "node:events";
import { WebSocket } from "ws";
import { type FrameEvent, Subscriber, type SubscriberEvent } from "../../client/index.ts";
import { nodeEnvironment } from "../../client/node.ts";
import { Flag } from "../../protocol/frame.ts";
import { waitFor } from "./wait.ts";

/** The room and the credential. */
export interface Target {
  /** The Worker's base URL. */
  readonly url: string;
  readonly room: string;
  readonly token: string;
}

const WAIT_MS = 30_000;

/** Plain mode: payload bytes and nothing else, on a WebSocket without a subprotocol. */
export class PlainSubscriber implements AsyncDisposable {
  readonly socket: WebSocket;
  bytes = 0;
  #pongs = 0;
  readonly #hash = createHash("sha256");

  private constructor(socket: WebSocket, onBytes: (bytes: Buffer) => void) {
    this.socket = socket;
    socket.on("error", () => {});
    socket.on("message", (data: Buffer, binary) => {
      if (!binary) this.#pongs++;
      if (!binary) return;
      this.bytes += data.byteLength;
      this.#hash.update(data);
      onBytes(data);
    });
  }

  /** Resolves when it takes part. */
  static async join(target: Target, onBytes: (bytes: Buffer) => void = () => {}): Promise<PlainSubscriber> {
    const headers = { authorization: `Bearer ${target.token}` };
    const url = `${target.url.replace(/^http/, "ws")}/rooms/${target.room}/ws`;
    const subscriber = new PlainSubscriber(new WebSocket(url, { headers, perMessageDeflate: false }), onBytes);
    await once(subscriber.socket, "open");
    return subscriber;
  }

  /** SHA-256 of all received data. Call it once. */
  sha256(): string {
    return this.#hash.digest("hex");
  }

  /** Resolves when `bytes` have arrived, and everything else that was on its way. */
  async received(bytes: number, ms = WAIT_MS): Promise<void> {
    await waitFor(`${bytes} bytes`, () => this.bytes >= bytes, ms);
    await this.drained();
  }

  /** Resolves when everything that the room has sent so far has arrived (rule C2). */
  async drained(): Promise<void> {
    const pongs = this.#pongs;
    this.socket.send("ping");
    await waitFor("a pong", () => this.#pongs > pongs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.socket.readyState === WebSocket.CLOSED) return;
    const closed = once(this.socket, "close");
    this.socket.terminate();
    await closed;
  }
}

/** A range of sequences that did not come. */
export type Gap = SubscriberEvent & { readonly type: "gap" };

interface Listeners {
  readonly onFrame?: (frame: FrameEvent) => void;
  readonly onGap?: (gap: Gap) => void;
}

/** Framed mode, with the project's own client. */
export class FramedSubscriber implements AsyncDisposable {
  bytes = 0;
  frames = 0;
  readonly gaps: Gap[] = [];
  /** The number of times that the source went offline. */
  offline = 0;
  /** The number of connections. */
  connects = 0;
  failure: unknown;
  readonly #subscriber: Subscriber;
  readonly #run: Promise<void>;
  readonly #hash = createHash("sha256");
  readonly #listeners: Listeners;

  private constructor(subscriber: Subscriber, listeners: Listeners) {
    this.#subscriber = subscriber;
    this.#listeners = listeners;
    this.#run = this.#follow().catch((error: unknown) => {
      this.failure = error;
    });
  }

  /** Resolves when it takes part. */
  static async join(
    target: Target,
    options: Listeners & { delivery?: "live" | "latest" | "reliable" } = {},
  ): Promise<FramedSubscriber> {
    const { delivery = "live", ...listeners } = options;
    const subscriber = new Subscriber({ ...target, delivery, environment: nodeEnvironment });
    const framed = new FramedSubscriber(subscriber, listeners);
    await framed.until("the connection", () => framed.connects === 1);
    return framed;
  }

  /** SHA-256 of all received payloads. Call it once. */
  sha256(): string {
    return this.#hash.digest("hex");
  }

  /** Resolves when `condition` is true; rejects if the subscription failed. */
  async until(what: string, condition: () => boolean, ms = WAIT_MS): Promise<void> {
    await waitFor(
      what,
      () => {
        if (this.failure !== undefined) throw this.failure;
        return condition();
      },
      ms,
    );
  }

  /** Resolves when `bytes` have arrived and the source has gone, so that nothing follows. */
  async received(bytes: number, ms = WAIT_MS): Promise<void> {
    await this.until(`${bytes} bytes and the source's end`, () => this.bytes >= bytes && this.offline > 0, ms);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#subscriber.close();
    await this.#run;
  }

  async #follow(): Promise<void> {
    for await (const event of this.#subscriber) this.#take(event);
  }

  #take(event: SubscriberEvent): void {
    if (event.type === "frame") {
      this.frames++;
      this.bytes += event.payload.byteLength;
      this.#hash.update(event.payload);
      this.#listeners.onFrame?.(event);
    } else if (event.type === "gap") {
      this.gaps.push(event);
      this.#listeners.onGap?.(event);
    } else if (event.type === "connection" && event.state === "open") this.connects++;
    else if (event.type === "source" && event.state === "offline") this.offline++;
  }
}

/** Returns true if a group begins with this frame. */
export function isKey(frame: FrameEvent): boolean {
  return (frame.flags & Flag.key) !== 0;
}
