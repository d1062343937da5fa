// The board beside the stage: state, figures and tracks. One function writes all of it.
import { formatPosition } from "../protocol/position.ts";
import { one, setText } from "./dom.ts";
import { explainRefusal } from "./refusal-text.ts";
import type { Refused, Room, Track } from "./room-page.ts";

/** What the board shows that the room does not know. */
export interface Measured {
  readonly gaps: number;
  readonly skipped: number;
  /** Seconds. */
  readonly latency: number | undefined;
  readonly now: number;
}

const WHOLE = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const TENTHS = new Intl.NumberFormat("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const NONE = "–";

/** Writes the board. Each value has its raw form in `data-value` beside the words. */
export function renderBoard(root: HTMLElement, room: Room, measured: Measured): void {
  const track = room.selected;
  const { kilobitsPerSecond, framesPerSecond } = track?.meter.rates(measured.now) ?? ZERO;
  const { epoch, sequence } = track ?? {};
  const position = epoch === undefined || sequence === undefined ? "" : formatPosition({ epoch, sequence });
  const { gaps, skipped, latency } = measured;
  renderState(root, room);
  put(root, "source", track?.source ?? "unknown", track === undefined ? NONE : track.source);
  put(root, "bitrate", kilobitsPerSecond.toFixed(0), `${WHOLE.format(kilobitsPerSecond)} kbit/s`);
  put(root, "frame-rate", framesPerSecond.toFixed(1), `${TENTHS.format(framesPerSecond)} /s`);
  put(root, "position", position, position || NONE);
  put(root, "viewers", `${room.viewers ?? ""}`, room.viewers === undefined ? NONE : WHOLE.format(room.viewers));
  put(root, "gaps", `${gaps}`, gapsText(gaps, skipped));
  put(root, "latency", latency?.toFixed(2) ?? "", latency === undefined ? NONE : `${TENTHS.format(latency)} s`);
  one(root, "#gaps", HTMLElement).dataset.skipped = `${skipped}`;
}

const ZERO = { kilobitsPerSecond: 0, framesPerSecond: 0 };

function renderState(root: HTMLElement, { connection, state }: Room): void {
  put(root, "state", state, state);
  setText(one(root, "#advice", HTMLElement), connection.is === "refused" ? adviceOf(connection) : "");
}

function adviceOf({ code, status }: Refused): string {
  const { title, advice } = explainRefusal(code, status);
  return `${title}. ${advice} (${code})`;
}

function put(root: HTMLElement, id: string, value: string, text: string): void {
  const element = one(root, `#${id}`, HTMLElement);
  if (element.dataset.value !== value) element.dataset.value = value;
  setText(element, text);
}

function gapsText(gaps: number, skipped: number): string {
  if (gaps === 0) return "none";
  const frames = `${WHOLE.format(skipped)} frame${skipped === 1 ? "" : "s"}`;
  return skipped === 0 ? WHOLE.format(gaps) : `${WHOLE.format(gaps)} (${frames})`;
}

/** Writes the list of tracks, a button for each; `choose` gets the name of the one that was pressed. */
export function renderTracks(list: HTMLElement, room: Room, now: number, choose: (name: string) => void): void {
  for (const track of room.tracks.values()) {
    const button = trackButton(list, track, choose);
    const rate = WHOLE.format(track.meter.rates(now).kilobitsPerSecond);
    button.ariaPressed = String(track === room.selected);
    setText(one(button, ".figure", HTMLElement), `${track.kind ?? "no frames"}, ${track.source}, ${rate} kbit/s`);
  }
}

function trackButton(list: HTMLElement, track: Track, choose: (name: string) => void): HTMLButtonElement {
  for (const button of list.querySelectorAll("button")) if (button.dataset.track === track.name) return button;
  const button = document.createElement("button");
  const name = document.createElement("span");
  const figure = document.createElement("span");
  button.type = "button";
  button.dataset.track = track.name;
  button.addEventListener("click", () => choose(track.name));
  name.textContent = track.name;
  name.className = "name";
  figure.className = "figure";
  button.append(name, figure);
  const item = document.createElement("li");
  item.append(button);
  list.append(item);
  return button;
}
