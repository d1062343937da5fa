// Prints the last line of a test run: `N passed, N failed`. The output of a test, or of a process that it started, must
// contain no secret.
import type { UserConsoleLog } from "vitest";
import type { Reporter, TestModule } from "vitest/node";
import { SECRET } from "./secret.ts";

/** A JWT: header and payload are JSON objects in base64url, so both begin with `eyJ`. */
const TOKEN = /eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}/;

/**
 * Counts tests, and names those that passed only on their second run (`--retry`). A module that could not be loaded, and
 * output with a secret, count as failed.
 */
export default class CountReporter implements Reporter {
  #leaks = 0;

  onUserConsoleLog({ content, taskId }: UserConsoleLog): void {
    if (!TOKEN.test(content) && !content.includes(SECRET)) return;
    this.#leaks++;
    process.stderr.write(`a secret was printed by ${taskId ?? "a test file"}\n`);
  }

  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    let passed = 0;
    let failed = errors.length + this.#leaks;
    for (const module of modules) {
      if (module.errors().length > 0) failed++;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (test.diagnostic()?.flaky) process.stderr.write(`passed on its second run: ${test.fullName}\n`);
        if (state === "passed") passed++;
        if (state === "failed") failed++;
      }
    }
    if (failed > 0) process.exitCode = 1;
    process.once("exit", () => process.stdout.write(`${passed} passed, ${failed} failed\n`));
  }
}
