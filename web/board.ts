// The board beside the stage: state, figures and tracks. One function updates all of it.
import { formatPosition } from "../protocol/position.ts";
import { one, setText } from "./dom.ts";
import { latencyText } from "./figures.ts";
import type { Kind } from "./kinds.ts";
import type { View } from "./player-element.ts";
import { explainRefusal } from "./refusal-text.ts";
import type { Refused, Room, Track } from "./room-page.ts";

const WHOLE = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const TENTHS = new Intl.NumberFormat("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const NONE = "–";

/**
 * Updates the board. `data-value` contains the raw form of each displayed value. `now` is on the clock of the meters.
 */
export function renderBoard(root: HTMLElement, view: View, now: number): void {
  const { room, gaps, skipped, latency } = view;
  const track = room.selected;
  const { kilobitsPerSecond, framesPerSecond } = track?.meter.rates(now) ?? ZERO;
  const { epoch, sequence } = track ?? {};
  const position = epoch === undefined || sequence === undefined ? "" : formatPosition({ epoch, sequence });
  renderState(root, view);
  put(root, "source", track?.source ?? "unknown", track === undefined ? NONE : track.source);
  put(root, "bitrate", kilobitsPerSecond.toFixed(0), `${WHOLE.format(kilobitsPerSecond)} kbit/s`);
  put(root, "frame-rate", framesPerSecond.toFixed(1), `${TENTHS.format(framesPerSecond)} /s`);
  put(root, "position", position, position || NONE);
  put(root, "viewers", `${room.viewers ?? ""}`, room.viewers === undefined ? NONE : WHOLE.format(room.viewers));
  put(root, "gaps", `${gaps}`, gapsText(gaps, skipped));
  put(root, "latency", latency?.seconds.toFixed(2) ?? "", latency === undefined ? NONE : latencyText(latency));
  one(root, "#gaps", HTMLElement).dataset.skipped = `${skipped}`;
}

const ZERO = { kilobitsPerSecond: 0, framesPerSecond: 0 };

function renderState(root: HTMLElement, { room: { connection }, state }: View): void {
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

/** Updates the list of tracks, with a button for each. `choose` gets the name of the pressed one. */
export function renderTracks(list: HTMLElement, room: Room, now: number, choose: (name: string) => void): void {
  for (const track of room.tracks.values()) {
    const button = trackButton(list, track, choose);
    const rate = WHOLE.format(track.meter.rates(now).kilobitsPerSecond);
    button.ariaPressed = String(track === room.selected);
    setText(one(button, ".figure", HTMLElement), `${kindText(track)}, ${track.source}, ${rate} kbit/s`);
  }
}

const KINDS: Readonly<Record<Kind, string>> = {
  mpegts: "MPEG-TS",
  mse: "MP4",
  pictures: "pictures",
  lines: "text",
  json: "JSON",
  bytes: "bytes",
};

function kindText({ kind, format }: Track): string {
  if (kind === undefined) return "nothing yet";
  return kind === "mse" && format?.includes("webm") ? "WebM" : KINDS[kind];
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
