// `npm run simulate`: the real growth and placement code with simulated audiences of up to a million; see ../README.md.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { parseArgs } from "node:util";
import { chartOf } from "./chart.ts";
import { missed, type Result, resultOf, textOf } from "./result.ts";
import { SHAPES, type Shape } from "./shape.ts";
import { Simulation } from "./simulation.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: "string", default: "1" },
    frames: { type: "string" },
    isolates: { type: "string" },
    even: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    seconds: { type: "boolean", default: false },
    svg: { type: "string" },
  },
});

/** The shape with the changes from the command line. */
function changed(shape: Shape): Shape {
  return {
    ...shape,
    framesPerSecond: Number(values.frames ?? shape.framesPerSecond),
    isolatesPerRegion: Number(values.isolates ?? shape.isolatesPerRegion),
    joins: values.even ? "even" : shape.joins,
  };
}

function simulate(shape: Shape): Result {
  const run = new Simulation(shape, Number(values.seed));
  run.run();
  if (values.seconds) for (const second of run.seconds) console.log(JSON.stringify(second));
  // The picture shows the last shape, the largest.
  if (values.svg !== undefined) {
    mkdirSync(dirname(values.svg), { recursive: true });
    writeFileSync(values.svg, chartOf(shape, run.seconds));
  }
  return resultOf(run);
}

const unknown = positionals.filter((name) => SHAPES.every((shape) => shape.name !== name));
if (unknown.length > 0) throw new Error(`the shapes are ${SHAPES.map(({ name }) => name).join(", ")}`);
for (const shape of SHAPES.filter(({ name }) => positionals.length === 0 || positionals.includes(name))) {
  const result = simulate(changed(shape));
  const misses = missed(result);
  console.log(values.json ? JSON.stringify({ ...result, missed: misses }) : textOf(result, misses));
  if (misses.length > 0) process.exitCode = 1;
}
