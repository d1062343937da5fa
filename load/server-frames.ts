// Reads a server's WebSocket frames from chunks, without copying data that is only counted.
import { MAX_ROOM_TEXT_BYTES } from "../protocol/limits.ts";
import { Opcode } from "./client-frame.ts";

const LONGEST_HEADER_BYTES = 10;
const FIN = 0x80;
const FIRST_CONTROL_OPCODE = 8;
const TOO_LARGE = 1009;

/** The receiver of the frames. */
export interface FrameListener {
  /**
   * A part of a binary message: `chunk` from `start` to `end`, which is overwritten after the call. `isLast`: the
   * message ends there.
   */
  data(chunk: Buffer, start: number, end: number, isLast: boolean): void;
  text(message: string): void;
  closed(code: number, reason: string): void;
}

/** The incremental reader of one connection. */
export class ServerFrames {
  /** Binary messages so far. */
  messages = 0;
  readonly #listener: FrameListener;
  readonly #pinged: (payload: string) => void;
  readonly #header = Buffer.alloc(LONGEST_HEADER_BYTES);
  #headerBytes = 0;
  /** The opcodes of the frame, and of the message that continuations belong to. */
  #opcode = 0;
  #message = 0;
  #isFinal = true;
  #left = 0;
  /** The payload of a frame that is not binary, and of the texts that it continues. */
  #gathered = "";
  #text = "";

  /** `pinged` answers the peer's WebSocket ping. */
  constructor(listener: FrameListener, pinged: (payload: string) => void) {
    this.#listener = listener;
    this.#pinged = pinged;
  }

  push(chunk: Buffer, from: number): void {
    let at = from;
    while (at < chunk.length) {
      if (this.#left === 0) {
        at = this.#readHeader(chunk, at);
      } else {
        const end = Math.min(chunk.length, at + this.#left);
        this.#left -= end - at;
        if (this.#opcode === Opcode.binary) this.#listener.data(chunk, at, end, this.#left === 0 && this.#isFinal);
        else this.#gather(chunk, at, end);
        at = end;
      }
    }
  }

  /** Returns the position where the header ended, or the end of the chunk. */
  #readHeader(chunk: Buffer, from: number): number {
    let at = from;
    for (; at < chunk.length; ) {
      this.#header[this.#headerBytes++] = chunk[at++] ?? 0;
      if (this.#headerBytes < 2) continue;
      const short = (this.#header[1] ?? 0) & 0x7f;
      const whole = short === 126 ? 4 : short === 127 ? LONGEST_HEADER_BYTES : 2;
      if (this.#headerBytes < whole) continue;
      this.#begin(short, chunk, at);
      break;
    }
    return at;
  }

  #begin(short: number, chunk: Buffer, at: number): void {
    this.#headerBytes = 0;
    const opcode = (this.#header[0] ?? 0) & 0x0f;
    this.#isFinal = ((this.#header[0] ?? 0) & FIN) !== 0;
    // A continuation (0) belongs to the current message. A control frame may come between its parts.
    if (opcode !== 0 && opcode < FIRST_CONTROL_OPCODE) this.#message = opcode;
    this.#opcode = opcode === 0 ? this.#message : opcode;
    if (opcode === Opcode.binary) this.messages++;
    this.#left =
      short === 126 ? this.#header.readUInt16BE(2) : short === 127 ? Number(this.#header.readBigUInt64BE(2)) : short;
    if (this.#left > 0) return;
    if (this.#opcode === Opcode.binary) this.#listener.data(chunk, at, at, this.#isFinal);
    else this.#finish();
  }

  #gather(chunk: Buffer, from: number, end: number): void {
    if (this.#text.length + this.#gathered.length > MAX_ROOM_TEXT_BYTES) this.#listener.closed(TOO_LARGE, "");
    else this.#gathered += chunk.toString("latin1", from, end);
    if (this.#left === 0) this.#finish();
  }

  #finish(): void {
    const gathered = this.#gathered;
    this.#gathered = "";
    if (this.#opcode === Opcode.text) this.#finishText(gathered);
    else if (this.#opcode === Opcode.ping) this.#pinged(gathered);
    else if (this.#opcode === Opcode.close) {
      const code = gathered.length < 2 ? 1005 : gathered.charCodeAt(0) * 256 + gathered.charCodeAt(1);
      this.#listener.closed(code, gathered.slice(2));
    }
  }

  #finishText(part: string): void {
    const text = this.#text + part;
    this.#text = this.#isFinal ? "" : text;
    if (this.#isFinal) this.#listener.text(text);
  }
}
