// The buttons below the screen: only those that apply to the current player.
import { element, setText } from "./dom.ts";
import { latencyText } from "./figures.ts";
import type { Command } from "./keys.ts";
import type { Latency } from "./players/playback.ts";
import type { Player } from "./players/player.ts";
import type { State } from "./room-page.ts";

/** The full screen of iPhones, which shows only the video. */
type PhoneVideo = HTMLMediaElement & { webkitEnterFullscreen?: () => void };

const VOLUME_STEP = 0.1;
const WORDS: Readonly<Record<State, string>> = {
  connecting: "connecting",
  waiting: "waiting",
  live: "live",
  past: "recorded",
  paused: "paused",
  reconnecting: "reconnecting",
  ended: "ended",
  refused: "refused",
};

/** Owns the bar, and acts on the player of the last `render`. */
export class Controls {
  readonly element: HTMLElement;
  readonly #screen: HTMLElement;
  readonly #pause = button("pause", "Pause", "Space");
  readonly #mute = button("unmute", "Unmute", "M");
  readonly #volume = element("input", {
    id: "volume",
    part: "volume",
    type: "range",
    min: "0",
    max: "1",
    step: "0.05",
    "aria-label": "Volume",
  });
  readonly #popOut = button("pop-out", "Picture in picture");
  readonly #fullscreen = button("fullscreen", "Full screen", "F");
  readonly #status = element("span", { id: "status", part: "status", class: "status" });
  #player: Player | undefined;

  constructor(screen: HTMLElement) {
    this.#screen = screen;
    const parts = [this.#pause, this.#mute, this.#volume, this.#popOut, this.#fullscreen, this.#status];
    this.element = element("div", { id: "controls", part: "controls", class: "controls" }, ...parts);
    this.#pause.addEventListener("click", () => this.#togglePause());
    this.#mute.addEventListener("click", () => this.#toggleMute());
    this.#volume.addEventListener("input", () => this.#setVolume(this.#volume.valueAsNumber));
    // A refusal of the browser (no picture yet) changes nothing.
    this.#popOut.addEventListener("click", () => void this.#player?.popOut?.().catch(() => undefined));
    this.#fullscreen.addEventListener("click", () => void this.#toggleFullscreen());
  }

  /** Executes a key's command, if there is a button for it. */
  press(command: Command): void {
    if (command.does === "pause" && !this.#pause.hidden) this.#togglePause();
    if (command.does === "mute" && !this.#mute.hidden) this.#toggleMute();
    if (command.does === "fullscreen" && !this.#fullscreen.hidden) void this.#toggleFullscreen();
    if (command.does === "volume") this.#changeVolume(command.by * VOLUME_STEP);
  }

  render(player: Player | undefined, state: State, latency: Latency | undefined): void {
    this.#player = player;
    const sound = player?.sound;
    const isShown = player !== undefined && player.playback.is !== "failed";
    this.#pause.hidden = !isShown;
    this.#mute.hidden = this.#volume.hidden = !isShown || sound === undefined;
    this.#popOut.hidden = !isShown || player.popOut === undefined;
    this.#fullscreen.hidden = !isShown || !(document.fullscreenEnabled || phone(sound) !== undefined);
    setText(this.#pause, player?.playback.is === "paused" ? "Play" : "Pause");
    setText(this.#mute, sound?.muted ? "Unmute" : "Mute");
    const volume = sound === undefined || sound.muted ? 0 : sound.volume;
    if (this.#volume.valueAsNumber !== volume) this.#volume.valueAsNumber = volume;
    this.#status.dataset.value = state;
    setText(this.#status, state === "live" && latency ? `${WORDS[state]}, ${latencyText(latency)}` : WORDS[state]);
  }

  #togglePause(): void {
    if (this.#player?.playback.is === "paused") this.#player.resume();
    else this.#player?.pause();
  }

  #changeVolume(by: number): void {
    const sound = this.#player?.sound;
    if (sound === undefined) return;
    const volume = sound.muted ? 0 : sound.volume;
    this.#setVolume(Math.round(Math.min(1, Math.max(0, volume + by)) * 100) / 100);
  }

  #toggleMute(): void {
    const sound = this.#player?.sound;
    if (sound === undefined) return;
    sound.muted = !sound.muted;
    if (!sound.muted && sound.volume === 0) sound.volume = 1;
  }

  #setVolume(volume: number): void {
    const sound = this.#player?.sound;
    if (sound === undefined) return;
    sound.volume = volume;
    sound.muted = volume === 0;
  }

  async #toggleFullscreen(): Promise<void> {
    const root = this.#screen.getRootNode() as ShadowRoot | Document;
    if (!document.fullscreenEnabled) phone(this.#player?.sound)?.();
    else if (root.fullscreenElement === null) await this.#screen.requestFullscreen().catch(() => undefined);
    else await document.exitFullscreen();
  }
}

function button(id: string, text: string, key?: string): HTMLButtonElement {
  const shortcut = key === undefined ? {} : { "aria-keyshortcuts": key, title: `Key: ${key}` };
  return element("button", { id, type: "button", part: "button", ...shortcut }, text);
}

function phone(sound: HTMLMediaElement | undefined): (() => void) | undefined {
  const video = sound as PhoneVideo | undefined;
  return video?.webkitEnterFullscreen?.bind(video);
}
