// Reads a server's WebSocket frames from chunks as they come, without copying what is only counted.
import { Opcode } from "./client-frame.ts";

const LONGEST_HEADER_BYTES = 10;

/** Who is told what came. */
export interface FrameListener {
  /** A part of a binary message: `chunk` from `start` to `end`. It is overwritten after the call. */
  data(chunk: Buffer, start: number, end: number): void;
  text(message: string): void;
  closed(code: number, reason: string): void;
}

/** The incremental reader of one connection. */
export class ServerFrames {
  /** Binary messages so far. */
  messages = 0;
  readonly #listener: FrameListener;
  readonly #header = Buffer.alloc(LONGEST_HEADER_BYTES);
  #headerBytes = 0;
  #opcode = 0;
  #left = 0;
  /** The payload of a message that is no binary one. */
  #gathered = "";

  constructor(listener: FrameListener) {
    this.#listener = listener;
  }

  push(chunk: Buffer, from: number): void {
    let at = from;
    while (at < chunk.length) {
      if (this.#left === 0) {
        at = this.#readHeader(chunk, at);
      } else {
        const end = Math.min(chunk.length, at + this.#left);
        this.#left -= end - at;
        if (this.#opcode === Opcode.binary) this.#listener.data(chunk, at, end);
        else this.#gather(chunk, at, end);
        at = end;
      }
    }
  }

  /** Answers where the header ended, or the chunk. */
  #readHeader(chunk: Buffer, from: number): number {
    let at = from;
    for (; at < chunk.length; ) {
      this.#header[this.#headerBytes++] = chunk[at++] ?? 0;
      if (this.#headerBytes < 2) continue;
      const short = (this.#header[1] ?? 0) & 0x7f;
      const whole = short === 126 ? 4 : short === 127 ? LONGEST_HEADER_BYTES : 2;
      if (this.#headerBytes < whole) continue;
      this.#begin(short);
      break;
    }
    return at;
  }

  #begin(short: number): void {
    this.#headerBytes = 0;
    // A continuation (0) goes on with what the message is.
    this.#opcode = (this.#header[0] ?? 0) & 0x0f || this.#opcode;
    if (this.#opcode === Opcode.binary) this.messages++;
    this.#left =
      short === 126 ? this.#header.readUInt16BE(2) : short === 127 ? Number(this.#header.readBigUInt64BE(2)) : short;
    if (this.#left === 0 && this.#opcode !== Opcode.binary) this.#finish();
  }

  #gather(chunk: Buffer, from: number, end: number): void {
    this.#gathered += chunk.toString("latin1", from, end);
    if (this.#left === 0) this.#finish();
  }

  #finish(): void {
    const gathered = this.#gathered;
    this.#gathered = "";
    if (this.#opcode === Opcode.text) this.#listener.text(gathered);
    if (this.#opcode !== Opcode.close) return;
    const code = gathered.length < 2 ? 1005 : gathered.charCodeAt(0) * 256 + gathered.charCodeAt(1);
    this.#listener.closed(code, gathered.slice(2));
  }
}
