// After `npm install` in a checkout: builds, so that `npx roomcast` works at once. JavaScript, since any Node may run it.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

// Where the tools for development are left out there is nothing to build with.
if (existsSync(new URL("../node_modules/esbuild", import.meta.url))) {
  const { status } = spawnSync("npm", ["run", "--silent", "build"], {
    stdio: "inherit",
    shell: process.platform === "win32",
  });
  process.exitCode = status ?? 1;
}
