// A small plot of the last hour: a line over an area, in SVG, with an equivalent text.
import { element, setText } from "../dom.ts";
import type { Sample } from "./answers.ts";

/** One value, at a time in ms since 1970. */
export interface Point {
  readonly at: number;
  readonly value: number;
}

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const WIDTH = 600;
const HEIGHT = 64;
const SVG = "http://www.w3.org/2000/svg";

/** A plot whose points can be replaced. */
export class Plot {
  readonly element: HTMLElement;
  readonly #name: string;
  readonly #show: (value: number) => string;
  readonly #now = element("span");
  readonly #svg: SVGSVGElement;
  readonly #area: SVGPathElement;
  readonly #line: SVGPathElement;

  /** `show` formats a value. */
  constructor(name: string, show: (value: number) => string) {
    this.#name = name;
    this.#show = show;
    this.#svg = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img" });
    this.#area = svg("path", { class: "area" });
    this.#line = svg("path", { class: "line" });
    this.#svg.append(this.#area, this.#line);
    const caption = element("figcaption", {}, element("span", {}, `${name}, last hour`), this.#now);
    this.element = element("figure", { class: "plot" }, caption, this.#svg);
    this.set([], 0);
  }

  /** Points in the order of their times. A minute without a point counts as zero. */
  set(points: readonly Point[], now: number): void {
    const most = Math.max(0, ...points.map(({ value }) => value));
    const place = ({ at, value }: Point) => {
      const x = WIDTH - ((now - at) / HOUR_MS) * WIDTH;
      return `${x.toFixed(1)} ${(HEIGHT - 2 - (most === 0 ? 0 : value / most) * (HEIGHT - 6)).toFixed(1)}`;
    };
    const filled = fill(points, now);
    const [first, last] = [filled[0], filled.at(-1)];
    const path = filled.map(place).join(" L ");
    this.#line.setAttribute("d", path === "" ? "" : `M ${path}`);
    const foot = (point: Point | undefined) => (point === undefined ? "" : place({ ...point, value: 0 }));
    this.#area.setAttribute("d", path === "" ? "" : `M ${foot(first)} L ${path} L ${foot(last)} Z`);
    const text = points.length === 0 ? "nothing yet" : `now ${this.#show(last?.value ?? 0)}, peak ${this.#show(most)}`;
    setText(this.#now, text);
    this.#svg.setAttribute("aria-label", `${this.#name} over the last hour: ${text}`);
  }
}

/** Adds a zero at the ends of each interruption. */
function fill(points: readonly Point[], now: number): Point[] {
  const all: Point[] = [];
  for (const point of points) {
    const before = all.at(-1);
    if (before !== undefined && point.at - before.at > 2 * MINUTE_MS) {
      all.push({ at: before.at + MINUTE_MS, value: 0 }, { at: point.at - MINUTE_MS, value: 0 });
    }
    all.push(point);
  }
  const last = all.at(-1);
  if (last !== undefined && now - last.at > 3 * MINUTE_MS) {
    all.push({ at: last.at + MINUTE_MS, value: 0 }, { at: now, value: 0 });
  } else if (last !== undefined) all.push({ at: Math.max(now, last.at), value: last.value });
  return all;
}

function svg<K extends keyof SVGElementTagNameMap>(
  name: K,
  attributes: Record<string, string>,
): SVGElementTagNameMap[K] {
  const made = document.createElementNS(SVG, name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  return made;
}

/** Shows the samples: viewers and bytes in. `now`: ms since 1970. */
export function plotSamples(samples: readonly Sample[], viewers: Plot, bits: Plot, now: number): void {
  const points = (of: (sample: Sample) => number) =>
    samples.map((sample) => ({ at: sample.minute, value: of(sample) }));
  viewers.set(
    points(({ subscribers }) => subscribers),
    now,
  );
  bits.set(
    points(({ bytesPerSecondIn }) => bytesPerSecondIn),
    now,
  );
}
