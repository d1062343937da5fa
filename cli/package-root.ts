// The location of the package, found from its sources and from its bundle.
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder that contains package.json and wrangler.toml. */
export function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "wrangler.toml"))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error("wrangler.toml is missing: the package is incomplete");
    folder = parent;
  }
  return folder;
}
