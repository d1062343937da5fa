// A connection delivered by hand: what the room sends waits until the test lets it arrive. Bytes are copied.
import type { Attachment } from "../../../../worker/core/attachment.ts";
import type { Sink } from "../../../../worker/core/sink.ts";

export type Message = string | Uint8Array;

/** Both directions of one connection, and what the runtime knows of it. */
export class Wire implements Sink {
  /** Sent by the room, not yet at the client. */
  readonly down: Message[] = [];
  /** Sent by the client, not yet at the room. */
  readonly up: Message[] = [];
  saved: Attachment | undefined;
  closed: { readonly code: number; readonly text: string } | undefined;
  readonly #tellsBuffered: boolean;
  #pongAt: number | undefined;
  #queued = 0;

  constructor(tellsBuffered: boolean) {
    this.#tellsBuffered = tellsBuffered;
  }

  send(message: Message): void {
    if (this.closed !== undefined) throw new Error("sent after close");
    this.down.push(typeof message === "string" ? message : message.slice());
    if (typeof message !== "string") this.#queued += message.byteLength;
  }

  close(code: number, text: string): void {
    this.closed ??= { code, text };
  }

  bufferedBytes(): number | undefined {
    return this.#tellsBuffered ? this.#queued : undefined;
  }

  lastPong(): number | undefined {
    return this.#pongAt;
  }

  save(state: Attachment): void {
    if (this.closed === undefined) this.saved = structuredClone(state);
  }

  /** Bytes of frames that wait for the client. */
  get queuedBytes(): number {
    return this.#queued;
  }

  /** The next message arrives at the client. */
  arrive(): Message | undefined {
    const message = this.down.shift();
    if (message !== undefined && typeof message !== "string") this.#queued -= message.byteLength;
    return message;
  }

  /** The runtime answers a ping, behind what is queued. */
  answerPing(now: number): void {
    this.#pongAt = now;
    this.down.push("pong");
  }
}
