// `npm run soak [fuzz|failures|long|model|trees|producers|cluster|relays|commands ...]`: the long forms of tests.
// Prints its findings; exits with 1 if an invariant was violated.
import { spawnSync } from "node:child_process";
import { FRAMINGS } from "../../protocol/splitter.ts";
import { fuzzPreamble, fuzzSplitter } from "../support/fuzz.ts";
import { manyProducers } from "../support/many-producers.ts";
import { fuzzTree } from "../worker/core/support/tree-fuzz.ts";
import { soakCluster } from "./cluster.ts";
import { soakCommands } from "./commands.ts";
import { soakRelays } from "./relays.ts";

const FUZZ_INPUTS = 100_000;
const MODEL_RUNS = 20_000;
const TREE_RUNS = 30_000;
const TREE_EVENTS = 100;
const PRODUCERS = 1000;
const SECONDS = 60;
const SLOW_LORIS = 200;

const SOAKS: Readonly<Record<string, () => void | Promise<void>>> = {
  fuzz() {
    const seed = Date.now() >>> 0;
    for (const framing of FRAMINGS) tell(`fuzz ${framing}`, { seed, ...fuzzSplitter(framing, FUZZ_INPUTS, seed) });
    tell("fuzz preamble", { seed, ...fuzzPreamble(FUZZ_INPUTS, seed) });
  },
  trees() {
    const seed = Date.now() >>> 0;
    const found = fuzzTree(TREE_RUNS, TREE_EVENTS, seed);
    tell("trees", { seed, ...found });
    if (found.failure !== undefined) process.exitCode = 1;
  },
  failures() {
    const patient = ["test/end-to-end/bridge-failures.test.ts", "test/end-to-end/relay-faults.test.ts"];
    vitest("end-to-end-patient", patient, { ROOMCAST_LONG: "1" });
    vitest("end-to-end", ["test/end-to-end/attacks.test.ts"], { ROOMCAST_LONG: "1" });
  },
  long() {
    const events = ["test/end-to-end/events.test.ts", "test/end-to-end/serve-events.test.ts"];
    vitest("end-to-end-patient", events, { ROOMCAST_LONG: "1" });
    const recordings = ["recording-faults", "recording-minute"];
    const relays = ["relay-sleep", "relay-versions"];
    const names = ["cluster", ...recordings, ...relays, "reverse-proxies", "share-sources"];
    const files = names.map((name) => `test/end-to-end/${name}.test.ts`);
    vitest("end-to-end", files, { ROOMCAST_LONG: "1" });
  },
  model() {
    const models = ["test/worker/core/hub.property.test.ts", "test/worker/core/tree.property.test.ts"];
    vitest("node", models, { ROOMCAST_RUNS: String(MODEL_RUNS) });
  },
  async producers() {
    const { lorisAnswers, ...report } = await manyProducers(PRODUCERS, SECONDS, SLOW_LORIS);
    const refused = lorisAnswers.filter((answer) => answer.startsWith("ERROR preamble_timeout ")).length;
    tell("producers", { ...report, seconds: SECONDS, slowLoris: SLOW_LORIS, slowLorisRefused: refused });
    if (report.lost > 0 || refused !== SLOW_LORIS) process.exitCode = 1;
  },
  cluster: () => soakCluster((found) => tell("cluster", found)),
  relays: () => soakRelays(tell),
  commands: () => soakCommands((found) => tell("commands", found)),
};

function vitest(project: string, files: readonly string[], vars: Readonly<Record<string, string>>): void {
  const env = { ...process.env, ...vars };
  if (spawnSync("vitest", ["run", "--project", project, ...files], { stdio: "inherit", env }).status !== 0) {
    process.exitCode = 1;
  }
}

function tell(soak: string, found: object): void {
  process.stdout.write(`${JSON.stringify({ soak, ...found })}\n`);
}

const chosen = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(SOAKS);
for (const name of chosen) {
  const run = SOAKS[name];
  if (run === undefined) throw new Error(`there are ${Object.keys(SOAKS).join(", ")}`);
  await run();
}
