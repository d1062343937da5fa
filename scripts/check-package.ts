// Checks the package for its users: builds and packs it, and runs publint and arethetypeswrong.
import { execSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const folder = mkdtempSync(join(tmpdir(), "roomcast-check-"));
try {
  run("node scripts/build.ts");
  run(`npm pack --silent --ignore-scripts --pack-destination "${folder}" > "${join(folder, "name")}"`);
  const [tarball = ""] = readdirSync(folder).filter((name) => name.endsWith(".tgz"));
  run(`publint --strict "${join(folder, tarball)}"`);
  // ES modules only: every supported Node can `require` them, or is 20 and imports them.
  run(`attw --profile esm-only --format ascii --no-emoji --no-summary "${join(folder, tarball)}"`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function run(command: string): void {
  execSync(command, { stdio: "inherit" });
}
