// The elements of the studio.
import { element } from "../dom.ts";
import type { SourceKind } from "./sources.ts";

const BUTTONS: Readonly<Record<SourceKind, string>> = {
  screen: "Share screen",
  camera: "Share camera",
  file: "Send a file",
};

/** Upper limits for the pictures, bits per second. */
const QUALITIES = [
  ["600000", "Low, 0.6 Mbit/s"],
  ["2000000", "Medium, 2 Mbit/s"],
  ["5000000", "High, 5 Mbit/s"],
] as const;
const DEFAULT_QUALITY = "2000000";

/** `sources`: the sources that this browser supports. */
export function studioView(sources: readonly SourceKind[]): HTMLElement {
  const buttons = sources.map((kind) =>
    element(
      "button",
      { type: "button", id: `share-${kind}-button`, "data-source": kind, "aria-pressed": "false" },
      BUTTONS[kind],
    ),
  );
  const file = element("input", { id: "share-file", type: "file", accept: "video/*,audio/*", hidden: "" });
  const none = "This browser cannot share here. Open the page over https, in a current browser.";
  return element(
    "section",
    { id: "studio", class: "panel", "aria-labelledby": "studio-title" },
    element("h2", { id: "studio-title" }, "Share into this room"),
    sources.length === 0
      ? element("p", { class: "problem" }, none)
      : element("div", { class: "row" }, ...buttons, file),
    element("p", { id: "share-problem", class: "problem", role: "alert" }),
    sharing(),
    options(),
  );
}

function sharing(): HTMLElement {
  return element(
    "div",
    { id: "sharing", class: "sharing", hidden: "" },
    element("div", { id: "share-preview", class: "preview" }),
    element(
      "div",
      {},
      element("p", { id: "share-state", class: "pill", role: "status" }),
      element("p", { id: "share-into", class: "hint" }),
      element("p", { id: "share-rate", class: "hint" }),
      element("button", { id: "share-stop", type: "button", class: "danger" }, "Stop sharing"),
    ),
  );
}

function options(): HTMLElement {
  const qualities = QUALITIES.map(([value, text]) =>
    element("option", { value, ...(value === DEFAULT_QUALITY && { selected: "" }) }, text),
  );
  const about = "If empty: main, or another free track. Viewers can choose between the tracks of a room.";
  return element(
    "details",
    { id: "share-options" },
    element("summary", {}, "Quality and track"),
    element("label", { for: "share-quality" }, "Maximum quality"),
    element("select", { id: "share-quality" }, ...qualities),
    element("label", { for: "share-track" }, "Track"),
    element("input", {
      id: "share-track",
      maxlength: "64",
      autocomplete: "off",
      autocapitalize: "none",
      spellcheck: "false",
      "aria-describedby": "share-track-about",
    }),
    element("p", { id: "share-track-about", class: "hint" }, about),
    element(
      "label",
      { class: "check" },
      element("input", { id: "share-takeover", type: "checkbox" }),
      "Replace the current publisher of this track",
    ),
  );
}
