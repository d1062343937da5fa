// Lines of text from frames: a frame is a line (framing `lines`), or frames are pieces of a text with newlines in it.
import stripAnsi from "strip-ansi";

/** The number of characters that are shown of a line. */
export const MAX_LINE_CHARS = 4096;
const MAX_LINE_BYTES = 4 * MAX_LINE_CHARS;

/** Reads one run of a track. Holds back one line, up to `MAX_LINE_CHARS`. */
export class TextLines {
  #decoder = new TextDecoder();
  /** True after a newline inside the text: frames are then pieces. */
  #isPieces = false;
  #rest = "";

  /** The lines that a frame completes, without colours and other escapes. */
  take(payload: Uint8Array): string[] {
    this.#isPieces ||= payload.includes(0x0a);
    if (!this.#isPieces) return [clean(this.#decoder.decode(payload.subarray(0, MAX_LINE_BYTES)))];
    const lines = `${this.#rest}${this.#decoder.decode(payload, { stream: true })}`.split("\n");
    this.#rest = (lines.pop() ?? "").slice(0, MAX_LINE_CHARS);
    return lines.map(clean);
  }

  /** The next frame does not continue the text. Returns the unfinished line, if there is one. */
  breakOff(): string[] {
    const rest = this.#rest;
    this.#rest = "";
    this.#decoder = new TextDecoder();
    return rest === "" ? [] : [clean(rest)];
  }
}

function clean(line: string): string {
  const text = stripAnsi(line.slice(0, MAX_LINE_CHARS)).replace(/\r$/, "");
  return line.length > MAX_LINE_CHARS ? `${text} …` : text;
}
