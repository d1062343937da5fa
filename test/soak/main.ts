// `npm run soak [fuzz|producers|failures ...]`: the long forms of tests. Prints what it found; exits with 1 where a law broke.
import { spawnSync } from "node:child_process";
import { FRAMINGS } from "../../protocol/splitter.ts";
import { fuzzPreamble, fuzzSplitter } from "../support/fuzz.ts";
import { manyProducers } from "../support/many-producers.ts";

const FUZZ_INPUTS = 100_000;
const PRODUCERS = 1000;
const SECONDS = 60;
const SLOW_LORIS = 200;

const SOAKS: Readonly<Record<string, () => void | Promise<void>>> = {
  fuzz() {
    const seed = Date.now() >>> 0;
    for (const framing of FRAMINGS) tell(`fuzz ${framing}`, { seed, ...fuzzSplitter(framing, FUZZ_INPUTS, seed) });
    tell("fuzz preamble", { seed, ...fuzzPreamble(FUZZ_INPUTS, seed) });
  },
  failures() {
    const args = ["run", "--project", "end-to-end", "test/end-to-end/bridge-failures.test.ts"];
    const env = { ...process.env, ROOMCAST_LONG: "1" };
    if (spawnSync("vitest", args, { stdio: "inherit", env }).status !== 0) process.exitCode = 1;
  },
  async producers() {
    const { lorisAnswers, ...report } = await manyProducers(PRODUCERS, SECONDS, SLOW_LORIS);
    const refused = lorisAnswers.filter((answer) => answer.startsWith("ERROR preamble_timeout ")).length;
    tell("producers", { ...report, seconds: SECONDS, slowLoris: SLOW_LORIS, slowLorisRefused: refused });
    if (report.lost > 0 || refused !== SLOW_LORIS) process.exitCode = 1;
  },
};

function tell(soak: string, found: object): void {
  process.stdout.write(`${JSON.stringify({ soak, ...found })}\n`);
}

const chosen = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(SOAKS);
for (const name of chosen) {
  const run = SOAKS[name];
  if (run === undefined) throw new Error(`there are ${Object.keys(SOAKS).join(", ")}`);
  await run();
}
