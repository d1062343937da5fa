// The line that `send` keeps on a terminal: how much, how fast, and how much of it has not left yet.
import type { Writable } from "node:stream";

const REDRAW_MS = 250;
/** Of the smoothed rate: how much of the newest measurement goes in. */
const NEWEST_SHARE = 0.3;

/** What is to be shown, in bytes. */
export interface Figures {
  /** Read from the input. */
  readonly bytes: number;
  /** Of these, not yet taken by the network. */
  readonly buffered: number;
}

/** Draws one line over and over, on a terminal; nothing at all elsewhere. */
export class Progress {
  readonly #out: Writable & { readonly isTTY?: boolean };
  readonly #read: () => Figures;
  #timer: NodeJS.Timeout | undefined;
  #rate = 0;
  #last: { readonly at: number; readonly bytes: number };

  constructor(out: Writable & { readonly isTTY?: boolean }, read: () => Figures) {
    this.#out = out;
    this.#read = read;
    this.#last = { at: performance.now(), bytes: 0 };
  }

  start(): void {
    if (this.#out.isTTY) this.#timer = setInterval(() => this.#draw("not acknowledged yet"), REDRAW_MS);
  }

  /** Stops; `verdict` stays on the terminal, with the last figures. */
  stop(verdict: string): void {
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#draw(verdict);
    this.#out.write("\n");
  }

  #draw(verdict: string): void {
    const { bytes, buffered } = this.#read();
    const now = performance.now();
    const newest = ((bytes - this.#last.bytes) * 1000) / Math.max(1, now - this.#last.at);
    this.#rate += (newest - this.#rate) * NEWEST_SHARE;
    this.#last = { at: now, bytes };
    const rate = `${formatBytes(this.#rate)}/s`;
    this.#out.write(`\r\x1b[K${formatBytes(bytes)} read, ${rate}, ${formatBytes(buffered)} in the buffer, ${verdict}`);
  }
}

/** `999 B`, `1.0 KiB`, `12.3 MiB`. */
export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}
