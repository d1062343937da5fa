// A line on a terminal that is rewritten repeatedly; elsewhere, nothing is written.
import type { Writable } from "node:stream";

const REDRAW_MS = 250;

/** A terminal, or something else to write to. */
export type Output = Writable & { readonly isTTY?: boolean };

/** Draws the text of `read` until it is stopped. */
export class StatusLine {
  readonly #out: Output;
  readonly #read: (verdict: string | undefined) => string;
  #timer: NodeJS.Timeout | undefined;

  /** `read` gets the verdict when the line is drawn for the last time. */
  constructor(out: Output, read: (verdict: string | undefined) => string) {
    this.#out = out;
    this.#read = read;
  }

  start(): void {
    if (this.#out.isTTY) this.#timer = setInterval(() => this.#draw(undefined), REDRAW_MS);
  }

  /** Stops. The line stays on the terminal, with `verdict`. */
  stop(verdict: string): void {
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#draw(verdict);
    this.#out.write("\n");
  }

  #draw(verdict: string | undefined): void {
    this.#out.write(`\r\x1b[K${this.#read(verdict)}`);
  }
}
