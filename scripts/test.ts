// `npm test`: builds the programs that the tests start, then runs the tests. Further arguments go to vitest.
import { spawnSync } from "node:child_process";

function run(command: string, args: readonly string[]): void {
  const { status } = spawnSync(command, args, { stdio: "inherit", shell: process.platform === "win32" });
  if (status !== 0) process.exit(status ?? 1);
}

run("node", ["scripts/build.ts"]);
run("vitest", ["run", ...process.argv.slice(2)]);
