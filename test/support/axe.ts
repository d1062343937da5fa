// The findings of axe in a page, including its shadow trees. The debugger injects it, so the page's policy stays
// unchanged.
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Frame, Page } from "playwright-core";

const SOURCE = fileURLToPath(import.meta.resolve("axe-core/axe.min.js"));

/** The violations, one line each. */
export async function axeViolations(page: Page | Frame): Promise<string[]> {
  await page.evaluate(await readFile(SOURCE, "utf8"));
  return page.evaluate(`axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) =>
    violations.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => id + " " + target.flat() + " " + failureSummary)))`);
}
