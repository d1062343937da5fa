// `npm run docs`: writes the library's reference, from its docstrings, into dist/docs. It fails if a docstring is
// missing.
import { execFileSync } from "node:child_process";

const docs = new URL("../docs/", import.meta.url).pathname;

// TypeDoc reads the sources with TypeScript 6, in addition to the project's version.
run("npm", ["ci", "--prefix", docs, "--no-audit", "--no-fund"]);
run("node", [`${docs}node_modules/typedoc/bin/typedoc`, "--options", `${docs}typedoc.json`]);

function run(command: string, args: readonly string[]): void {
  execFileSync(command, args, { stdio: "inherit", shell: process.platform === "win32" });
}
