// A connection delivered by hand: the room's messages wait until the test delivers them. Bytes are copied.
import type { Attachment } from "../../../../worker/core/attachment.ts";
import type { Sink } from "../../../../worker/core/sink.ts";

export type Message = string | Uint8Array;

/** Both directions of one connection, and the runtime's knowledge of it. */
export class Wire implements Sink {
  /** Sent by the room, not yet at the client. */
  readonly down: Message[] = [];
  /** Sent by the client, not yet at the room. */
  readonly up: Message[] = [];
  saved: Attachment | undefined;
  closed: { readonly code: number; readonly text: string } | undefined;
  readonly #tellsBuffered: boolean;
  readonly #countsTexts: boolean;
  #pongAt: number | undefined;
  #queued = 0;

  /** `countsTexts` false: the network takes texts at once, and only frames wait. */
  constructor(tellsBuffered: boolean, countsTexts = false) {
    this.#tellsBuffered = tellsBuffered;
    this.#countsTexts = countsTexts;
  }

  send(message: Message): void {
    if (this.closed !== undefined) throw new Error("sent after close");
    this.down.push(typeof message === "string" ? message : message.slice());
    this.#queued += this.#sizeOf(message);
  }

  close(code: number, text: string): void {
    this.closed ??= { code, text };
  }

  /** Sent data stays until it is read, also after a close; it is dropped with its reader. */
  bufferedBytes(): number | undefined {
    return this.#tellsBuffered ? this.#queued : undefined;
  }

  lastPong(): number | undefined {
    return this.#pongAt;
  }

  save(state: Attachment): void {
    if (this.closed === undefined) this.saved = structuredClone(state);
  }

  /** Bytes that wait for the client. */
  get queuedBytes(): number {
    return this.#queued;
  }

  /** The next message arrives at the client. */
  arrive(): Message | undefined {
    const message = this.down.shift();
    if (message !== undefined && message !== "pong") this.#queued -= this.#sizeOf(message);
    return message;
  }

  /** The reader is gone, and so is its queue. */
  drop(): void {
    this.down.length = 0;
    this.#queued = 0;
  }

  /** The runtime answers a ping, behind the queue. */
  answerPing(now: number): void {
    this.#pongAt = now;
    this.down.push("pong");
  }

  #sizeOf(message: Message): number {
    if (typeof message !== "string") return message.byteLength;
    return this.#countsTexts ? message.length : 0;
  }
}
