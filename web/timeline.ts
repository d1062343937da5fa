// The time line of a recorded track: its start, the playback position, and the way back to live.
import { Recordings } from "../client/recording.ts";
import { readingBy } from "./credential.ts";
import { element, setText } from "./dom.ts";
import type { Address } from "./session.ts";

/** The interval at which the page asks for the recording's start, once there is a recording. */
const LOOK_EVERY_MS = 20_000;

/** One step of the slider, in seconds. */
const STEP_S = 1;

/** Visible only if there is a recording. `seek` gets the seconds before now; undefined: live. */
export class Timeline {
  readonly element: HTMLElement;
  readonly #slider = element("input", { id: "timeline", part: "timeline", type: "range", "aria-label": "Time" });
  readonly #label = element("output", { id: "behind", part: "behind", for: "timeline" });
  readonly #live = element("button", { id: "live", part: "button", type: "button" }, "Live");
  readonly #recordings: Recordings;
  readonly #timer: ReturnType<typeof setInterval>;
  /** By track: the start of its recording, ms since 1970. */
  #since = new Map<string, number>();
  #isHeld = false;
  #hasLooked = false;

  constructor({ url, room, credential }: Address, seek: (seconds: number | undefined) => void) {
    this.element = element("div", { class: "timeline", part: "time" }, this.#slider, this.#label, this.#live);
    this.element.hidden = true;
    this.#recordings = new Recordings({ url, room, ...readingBy(credential) });
    this.#slider.step = String(STEP_S);
    this.#slider.max = "0";
    // During dragging, it shows the position that playback would jump to.
    this.#slider.addEventListener("input", () => {
      this.#isHeld = true;
      this.#show(-this.#slider.valueAsNumber);
    });
    this.#slider.addEventListener("change", () => {
      this.#isHeld = false;
      const seconds = -this.#slider.valueAsNumber;
      seek(seconds < STEP_S ? undefined : seconds);
    });
    this.#live.addEventListener("click", () => seek(undefined));
    this.#timer = setInterval(() => this.#since.size > 0 && void this.#look(), LOOK_EVERY_MS);
  }

  /** `behind`: seconds between now and the visible picture; undefined: live. Times are ms since 1970. */
  render(track: string | undefined, behind: number | undefined, now: number): void {
    const since = track === undefined ? undefined : this.#since.get(track);
    // If a track is known, the viewer has been admitted, so there is a credential for reading.
    if (track !== undefined && !this.#hasLooked) void this.#look();
    this.element.hidden = since === undefined;
    this.#live.ariaPressed = String(behind === undefined);
    if (since === undefined || this.#isHeld) return;
    this.#slider.min = String(-Math.max(STEP_S, Math.round((now - since) / 1000)));
    this.#slider.valueAsNumber = -Math.round(behind ?? 0);
    this.#show(behind ?? 0);
  }

  close(): void {
    clearInterval(this.#timer);
    this.element.remove();
  }

  #show(behind: number): void {
    const text = behind < STEP_S ? "live" : `-${clock(Math.round(behind))}`;
    setText(this.#label, text);
    this.#slider.setAttribute("aria-valuetext", text);
  }

  async #look(): Promise<void> {
    this.#hasLooked = true;
    const recorded = await this.#recordings.list().catch(() => []);
    this.#since = new Map(recorded.map(({ track, from }) => [track, from]));
  }
}

/** `1:02:03` or `2:03`. */
function clock(seconds: number): string {
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const shown = parts[0] === 0 ? parts.slice(1) : parts;
  return shown.map((part, index) => (index === 0 ? String(part) : String(part).padStart(2, "0"))).join(":");
}
