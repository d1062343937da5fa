// Random runs of a room over several objects, outside tests: for longer than a test may take.
import fc from "fast-check";
import { event, run, shape } from "./tree-events.ts";

/** Runs `runs` of at most `events` events each. `failure`: the first run that violated an invariant, minimized. */
export function fuzzTree(
  runs: number,
  events: number,
  seed: number,
): { readonly runs: number; readonly failure?: string } {
  const property = fc.property(shape, fc.array(event, { maxLength: events, size: "max" }), (one, many) =>
    run(one, many),
  );
  const result = fc.check(property, { numRuns: runs, seed });
  if (!result.failed) return { runs: result.numRuns };
  return { runs: result.numRuns, failure: `${JSON.stringify(result.counterexample)}: ${String(result.errorInstance)}` };
}
