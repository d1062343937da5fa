// `npm run check`: types of every runtime, lint and format, and the packed package.
import { spawnSync } from "node:child_process";

const COMMANDS = [
  "tsc -p .",
  "tsc -p worker",
  "tsc -p web",
  "biome check --error-on-warnings .",
  "node scripts/check-package.ts",
];

const failed = COMMANDS.filter((command) => {
  const [program = "", ...args] = command.split(" ");
  return spawnSync(program, args, { stdio: "inherit", shell: process.platform === "win32" }).status !== 0;
});
for (const command of failed) console.error(`failed: ${command}`);
process.exitCode = failed.length === 0 ? 0 : 1;
