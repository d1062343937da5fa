// The memory that history counts is the memory that it uses, for any frames and messages. Measured in a separate
// process.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { DEFAULT_TUNING } from "../../worker/core/tuning.ts";

const SCRIPT = fileURLToPath(new URL("./support/memory-of-history.ts", import.meta.url));
const run = promisify(execFile);

test.each([
  { bytes: 1, perMessage: 1, everyMs: 1 },
  { bytes: 1, perMessage: 8000, everyMs: 1000 },
  { bytes: 1, perMessage: 1, everyMs: 1000 },
  { bytes: 200, perMessage: 1, everyMs: 20 },
  { bytes: 200, perMessage: 64, everyMs: 40 },
  { bytes: 16 * 1024, perMessage: 1, everyMs: 10 },
  { bytes: 16 * 1024, perMessage: 8, everyMs: 100 },
])("16 MiB of frames of $bytes bytes, $perMessage a message, one in $everyMs ms, take what is counted", async (one) => {
  const args = [one.bytes, one.perMessage, one.everyMs].map(String);
  const { stdout } = await run(process.execPath, ["--expose-gc", SCRIPT, ...args]);
  const { counted, grown } = JSON.parse(stdout) as { counted: number; grown: number };
  expect(counted).toBeGreaterThan(DEFAULT_TUNING.historyBytes * 0.9);
  expect(grown).toBeLessThan(counted * 1.3);
  expect(grown).toBeGreaterThan(counted * 0.5);
});
