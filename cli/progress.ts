// The status line of `send`: the bytes sent, the rate, and the bytes that have not left yet.
import { type Output, StatusLine } from "./status-line.ts";

/** The share of the newest measurement in the smoothed rate. */
const NEWEST_SHARE = 0.3;

/** The figures to show, in bytes. */
export interface Figures {
  /** Bytes read from the input. */
  readonly bytes: number;
  /** The part of these bytes that the network has not taken yet. */
  readonly buffered: number;
}

/** The status line, on a terminal; elsewhere it writes nothing. */
export class Progress {
  readonly #line: StatusLine;
  readonly #read: () => Figures;
  #rate = 0;
  #last: { readonly at: number; readonly bytes: number };

  constructor(out: Output, read: () => Figures) {
    this.#line = new StatusLine(out, (verdict = "not acknowledged yet") => this.#describe(verdict));
    this.#read = read;
    this.#last = { at: performance.now(), bytes: 0 };
  }

  start(): void {
    this.#line.start();
  }

  /** Stops. `verdict` and the last figures stay on the terminal. */
  stop(verdict: string): void {
    this.#line.stop(verdict);
  }

  #describe(verdict: string): string {
    const { bytes, buffered } = this.#read();
    const now = performance.now();
    const newest = ((bytes - this.#last.bytes) * 1000) / Math.max(1, now - this.#last.at);
    this.#rate += (newest - this.#rate) * NEWEST_SHARE;
    this.#last = { at: now, bytes };
    const rate = `${formatBytes(this.#rate)}/s`;
    return `${formatBytes(bytes)} read, ${rate}, ${formatBytes(buffered)} in the buffer, ${verdict}`;
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
