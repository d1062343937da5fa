// The picture of a run: four rows over time. The left part shows the joins in seconds, the right part the rest in
// minutes.
import type { Second } from "./figures.ts";
import type { Shape } from "./shape.ts";

interface Row {
  readonly title: string;
  readonly of: (one: Second) => number;
  readonly label: (value: number) => string;
  /** A limit to draw, and its name. */
  readonly bound?: { readonly at: number; readonly name: string };
}

/** A part of the time, and its place in the picture. */
interface Part {
  readonly from: number;
  readonly to: number;
  readonly x: number;
  readonly width: number;
  readonly everySeconds: number;
  readonly unit: string;
  readonly secondsPerUnit: number;
}

const WIDTH = 1000;
const LEFT = 88;
const TOP = 96;
const ROW = { height: 118, gap: 52 };
const INK = {
  text: "#1f2933",
  soft: "#5f6b7a",
  grid: "#e3e7ec",
  line: "#1d5fbf",
  fill: "#d9e6f8",
  bound: "#b3261e",
  mark: "#8a94a3",
};

const ROWS: readonly Row[] = [
  { title: "Subscribers connected", of: (one) => one.subscribers, label: thousands },
  { title: "Objects: the room's own, and its relays", of: (one) => one.objects, label: thousands },
  {
    title: "Highest load of an object, part of its budget",
    of: (one) => one.highestLoad,
    label: (value) => `${Math.round(value * 100)} %`,
    bound: { at: 1, name: "budget" },
  },
  {
    title: "Requests to the room's own object per second",
    of: (one) => one.originRequests,
    label: thousands,
    bound: { at: 1000, name: "goal" },
  },
];

/** A standalone SVG, readable on light and dark pages. */
export function chartOf(shape: Shape, seconds: readonly Second[]): string {
  const height = TOP + ROWS.length * (ROW.height + ROW.gap) + 8;
  const parts = partsOf(shape, seconds);
  const body = ROWS.map((row, place) =>
    rowOf(row, TOP + place * (ROW.height + ROW.gap), seconds, parts, shape, place === 0),
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif" font-size="13" role="img">`,
    `<title>A room of ${thousands(shape.subscribers)} subscribers, simulated</title>`,
    `<rect width="${WIDTH}" height="${height}" rx="8" fill="#ffffff"/>`,
    text(
      24,
      32,
      `One room, ${thousands(shape.subscribers)} subscribers from eight regions: npm run simulate`,
      INK.text,
      'font-size="18" font-weight="600"',
    ),
    text(
      24,
      53,
      `${shape.framesPerSecond} frames a second. Left: everybody joins. Right: what happens afterwards; another scale of time.`,
      INK.soft,
    ),
    ...body.flat(),
    "</svg>\n",
  ].join("\n");
}

function partsOf(shape: Shape, seconds: readonly Second[]): readonly [Part, Part] {
  const last = seconds.at(-1)?.second ?? 0;
  const joined = Math.ceil((shape.joinSeconds + 10) / 10) * 10;
  const before = Math.max(joined, shape.leave.at - 60);
  return [
    { from: 0, to: joined, x: LEFT, width: 350, everySeconds: 10, unit: "s", secondsPerUnit: 1 },
    {
      from: before,
      to: last,
      x: LEFT + 350 + 36,
      width: WIDTH - LEFT - 350 - 36 - 24,
      everySeconds: 120,
      unit: "min",
      secondsPerUnit: 60,
    },
  ];
}

function rowOf(
  row: Row,
  top: number,
  seconds: readonly Second[],
  parts: readonly Part[],
  shape: Shape,
  isFirst: boolean,
): string[] {
  const highest = seconds.reduce((most, one) => Math.max(most, row.of(one)), row.bound?.at ?? 0);
  const steps = stepsTo(highest);
  const scale = steps.at(-1) ?? 1;
  const y = (value: number) => top + ROW.height * (1 - value / scale);
  const out = [text(24, top - 12, row.title, INK.text, 'font-weight="600"')];
  for (const step of steps)
    out.push(text(LEFT - 8, y(step) + 4, row.label(step), INK.soft, 'text-anchor="end" font-size="12"'));
  for (const part of parts) out.push(...partOf(row, part, top, y, steps, seconds));
  const right = parts.at(-1);
  if (right !== undefined) out.push(...eventsOf(shape, right, top, isFirst));
  return out;
}

function partOf(
  row: Row,
  part: Part,
  top: number,
  y: (value: number) => number,
  steps: readonly number[],
  seconds: readonly Second[],
): string[] {
  const { x, width } = part;
  const at = (second: number) => x + (width * (second - part.from)) / (part.to - part.from);
  const out = steps.map((step) => line(x, y(step), x + width, y(step), INK.grid));
  const first = Math.ceil(part.from / part.everySeconds) * part.everySeconds;
  for (let tick = first; tick <= part.to; tick += part.everySeconds) {
    const isLast = tick + part.everySeconds > part.to;
    const name = `${tick / part.secondsPerUnit}${isLast ? ` ${part.unit}` : ""}`;
    out.push(line(at(tick), top + ROW.height, at(tick), top + ROW.height + 4, INK.mark));
    out.push(text(at(tick), top + ROW.height + 18, name, INK.soft, 'text-anchor="middle" font-size="12"'));
  }
  const points = pointsOf(row, part, seconds).map(
    ([second, value]) => `${at(second).toFixed(1)},${y(value).toFixed(1)}`,
  );
  if (points.length > 0) {
    const bottom = y(0).toFixed(1);
    const [start = "", end = ""] = [points[0]?.split(",")[0], points.at(-1)?.split(",")[0]];
    out.push(`<polygon points="${start},${bottom} ${points.join(" ")} ${end},${bottom}" fill="${INK.fill}"/>`);
    out.push(
      `<polyline points="${points.join(" ")}" fill="none" stroke="${INK.line}" stroke-width="1.6" stroke-linejoin="round"/>`,
    );
  }
  if (row.bound !== undefined) {
    const { at: bound, name } = row.bound;
    out.push(line(x, y(bound), x + width, y(bound), INK.bound, 'stroke-dasharray="5 4"'));
    out.push(text(x + width - 4, y(bound) - 5, name, INK.bound, 'text-anchor="end" font-size="12"'));
  }
  return out;
}

/** The highest value of each pixel, so that no peak is lost. */
function pointsOf(row: Row, part: Part, seconds: readonly Second[]): [number, number][] {
  const step = Math.max(1, Math.floor((part.to - part.from) / part.width));
  const points: [number, number][] = part.from === 0 ? [[0, 0]] : [];
  for (let second = Math.max(1, part.from); second <= part.to; second += step) {
    const those = seconds.slice(second - 1, second - 1 + step);
    if (those.length > 0) points.push([second, those.reduce((most, one) => Math.max(most, row.of(one)), 0)]);
  }
  // Points on a level line are redundant.
  return points.filter(([, value], place) => points[place - 1]?.[1] !== value || points[place + 1]?.[1] !== value);
}

/** The events of the run; they are named in the first row. */
function eventsOf(shape: Shape, part: Part, top: number, isNamed: boolean): string[] {
  const events: readonly [number, string][] = [
    [shape.leave.at, "a third leaves"],
    [shape.death.at, `${shape.death.region} dies`],
    [shape.end.at, "everybody leaves"],
  ];
  return events.flatMap(([second, name]) => {
    const x = part.x + (part.width * (second - part.from)) / (part.to - part.from);
    const mark = line(x, top, x, top + ROW.height, INK.mark, 'stroke-dasharray="2 3"');
    return isNamed ? [mark, text(x, top - 8, name, INK.soft, 'font-size="12" text-anchor="middle"')] : [mark];
  });
}

/** 0 and up to four round steps that reach `highest`. */
function stepsTo(highest: number): number[] {
  const rough = Math.max(highest, 1e-9) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((one) => one * power).find((one) => one >= rough) ?? rough;
  return Array.from({ length: Math.ceil(highest / step - 1e-9) + 1 }, (_, place) => place * step);
}

function thousands(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

function line(x1: number, y1: number, x2: number, y2: number, colour: string, more = ""): string {
  const at = [x1, y1, x2, y2].map((one) => one.toFixed(1));
  return `<line x1="${at[0]}" y1="${at[1]}" x2="${at[2]}" y2="${at[3]}" stroke="${colour}" ${more}/>`;
}

function text(x: number, y: number, words: string, colour: string, more = ""): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" fill="${colour}" ${more}>${words}</text>`;
}
