// The rows of a log: a line of text, or a JSON value that unfolds.
import { element } from "../dom.ts";
import { TextLines } from "./text-lines.ts";

/** Makes rows of frames. */
export interface Rows {
  /** The texts of the rows that a frame completes. */
  take(payload: Uint8Array): string[];
  breakOff(): string[];
  draw(text: string): HTMLElement;
}

/** The number of characters that are drawn of an unfolded value. */
const MAX_UNFOLDED_CHARS = 64 * 1024;
/** A larger value of one frame is shown as separate lines. */
const MAX_VALUE_BYTES = 256 * 1024;

/** Lines as they are. */
export function textRows(): Rows {
  const lines = new TextLines();
  return {
    take: (payload) => lines.take(payload),
    breakOff: () => lines.breakOff(),
    draw: (text) => element("div", { class: "row" }, text === "" ? " " : text),
  };
}

/** A frame that is a JSON value becomes one row. Otherwise each line of it becomes a row. */
export function jsonRows(): Rows {
  const lines = new TextLines();
  let isPieces = false;
  return {
    take: (payload) => {
      const whole = isPieces ? undefined : compact(payload);
      isPieces ||= whole === undefined && payload.includes(0x0a);
      return whole === undefined ? lines.take(payload).filter((line) => line !== "") : [whole];
    },
    breakOff: () => lines.breakOff(),
    draw: drawJson,
  };
}

function compact(payload: Uint8Array): string | undefined {
  if (payload.byteLength > MAX_VALUE_BYTES) return undefined;
  const value = parse(new TextDecoder().decode(payload));
  return value === undefined ? undefined : JSON.stringify(value.json);
}

function parse(text: string): { json: unknown } | undefined {
  try {
    return { json: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

/** One line. An object or an array can be unfolded. Its content is created when the user opens it. */
function drawJson(text: string): HTMLElement {
  const value = parse(text)?.json;
  if (typeof value !== "object" || value === null) return element("div", { class: "row" }, text);
  const row = element("details", { class: "row" }, element("summary", {}, text));
  row.addEventListener(
    "toggle",
    () => row.append(element("pre", {}, JSON.stringify(value, null, 2).slice(0, MAX_UNFOLDED_CHARS))),
    { once: true },
  );
  return row;
}
