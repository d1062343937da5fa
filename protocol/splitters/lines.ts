// The framing `lines`: text or anything else in lines that end with "\n".
import { ProtocolError } from "../errors.ts";
import { Flag } from "../frame.ts";
import type { Splitter } from "../splitter.ts";
import { FailingSplitter } from "./failing.ts";
import { Gather } from "./gather.ts";

/** Longest line, its "\n" not counted. */
export const MAX_LINE_BYTES = 1024 * 1024;

const NEWLINE = 0x0a;

/**
 * Every line is a frame and a join point, without its "\n" and otherwise unchanged (a "\r" stays); empty lines count. A
 * last line without "\n" counts if it is not empty. Holds back one line. Error: `record_too_large`.
 */
export function linesSplitter(): Splitter {
  return new LinesSplitter();
}

class LinesSplitter extends FailingSplitter {
  readonly #gathered = new Gather();

  get heldBytes(): number {
    return this.#gathered.length;
  }

  protected read(chunk: Uint8Array): void {
    let at = 0;
    for (let newline = chunk.indexOf(NEWLINE); newline >= 0; newline = chunk.indexOf(NEWLINE, at)) {
      this.#gather(chunk.subarray(at, newline));
      this.frames.push({ payload: this.#gathered.take(), flags: Flag.key });
      at = newline + 1;
    }
    this.#gather(chunk.subarray(at));
  }

  protected finish(): void {
    if (this.#gathered.length > 0) this.frames.push({ payload: this.#gathered.take(), flags: Flag.key });
  }

  #gather(part: Uint8Array): void {
    if (this.#gathered.length + part.length > MAX_LINE_BYTES) {
      throw new ProtocolError("record_too_large", `a line has at most ${MAX_LINE_BYTES} bytes`);
    }
    this.#gathered.append(part);
  }
}
