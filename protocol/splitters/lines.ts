// The framing `lines`: text or anything else in lines that end with "\n".
import { ProtocolError } from "../errors.ts";
import { Flag } from "../frame.ts";
import type { Splitter } from "../splitter.ts";
import { FailingSplitter } from "./failing.ts";
import { Gather } from "./gather.ts";

/** Longest line, without its "\n". */
export const MAX_LINE_BYTES = 1024 * 1024;

const NEWLINE = 0x0a;
const BRACE = 0x7b;
const BRACKET = 0x5b;
const decoder = new TextDecoder();

/** A longer first line is not examined: the stream is then text. */
const MAX_JSON_BYTES = 64 * 1024;

/**
 * Every line is a frame and a join point, without its "\n" and otherwise unchanged (a "\r" stays), including empty
 * lines. A last line without "\n" is a frame if it is not empty. Holds back one line. Error: `record_too_large`.
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
      this.#emit(this.#gathered.take());
      at = newline + 1;
    }
    this.#gather(chunk.subarray(at));
  }

  protected finish(): void {
    if (this.#gathered.length > 0) this.#emit(this.#gathered.take());
  }

  /** The first line determines the format. */
  #emit(payload: Uint8Array): void {
    this.format ??= isJson(payload) ? "application/x-ndjson" : "text/plain";
    this.frames.push({ payload, flags: Flag.key });
  }

  #gather(part: Uint8Array): void {
    if (this.#gathered.length + part.length > MAX_LINE_BYTES) {
      throw new ProtocolError("record_too_large", `a line may have at most ${MAX_LINE_BYTES} bytes`);
    }
    this.#gathered.append(part);
  }
}

/** True for a whole object or array. */
function isJson(line: Uint8Array): boolean {
  if ((line[0] !== BRACE && line[0] !== BRACKET) || line.length > MAX_JSON_BYTES) return false;
  try {
    JSON.parse(decoder.decode(line));
    return true;
  } catch {
    return false;
  }
}
