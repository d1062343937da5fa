// Shows payloads that no other player shows: the newest frame in hex.
import { element, setText } from "../dom.ts";
import { HEX_BYTES, hexView } from "./hex.ts";
import { type Latency, latencyOf, type Playback, type PlayerFrame } from "./playback.ts";
import type { Player } from "./player.ts";

/** Holds the newest frame. */
export class BytesPlayer implements Player {
  readonly element: HTMLElement;
  readonly sound = undefined;
  readonly popOut = undefined;
  readonly #title = element("p", { id: "bytes-title" });
  readonly #hex = element("pre", { id: "hex", part: "hex", tabindex: "0", "aria-label": "The newest frame in hex" });
  #playback: Playback = { is: "waiting" };
  #last: Uint8Array | undefined;
  #latency: Latency | undefined;

  constructor() {
    this.element = element("div", { id: "bytes", class: "text" }, this.#title, this.#hex);
  }

  get playback(): Playback {
    return this.#playback;
  }

  isShowing(): boolean {
    return this.#playback.is === "playing";
  }

  latency(): Latency | undefined {
    return this.#latency;
  }

  take(frame: PlayerFrame): void {
    if (this.#playback.is === "paused") return;
    this.#playback = { is: "playing" };
    this.#latency = latencyOf(frame, Date.now());
    this.#last = frame.payload;
  }

  breakOff(): void {}

  caughtUp(): void {}

  pause(): void {
    this.#playback = { is: "paused" };
  }

  resume(): void {
    this.#playback = { is: "waiting" };
  }

  tick(): void {
    const last = this.#last;
    if (last === undefined || this.#playback.is === "paused") return;
    this.#last = undefined;
    const size = `${last.byteLength} ${last.byteLength === 1 ? "byte" : "bytes"}`;
    setText(this.#title, `Newest frame: ${last.byteLength > HEX_BYTES ? `the first ${HEX_BYTES} of ` : ""}${size}`);
    setText(this.#hex, hexView(last));
  }

  destroy(): void {
    this.element.remove();
  }
}
