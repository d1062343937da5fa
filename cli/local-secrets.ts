// The secrets of a local run: they are in .dev.vars, as in wrangler, and created if they are missing.
import { randomBytes } from "node:crypto";
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";

/** Reads `.dev.vars` in `folder`, adds missing secrets to the file, and returns all variables. */
export function localSecrets(folder: string): Record<string, string> {
  const file = join(folder, ".dev.vars");
  const text = existsSync(file) ? readFileSync(file, "utf8") : "";
  const found = parseEnv(text) as Record<string, string>;
  const made: Record<string, string> = {};
  for (const name of ["TOKEN_SECRET", "OPERATOR_KEY"]) {
    if (found[name] === undefined) made[name] = randomBytes(32).toString("base64url");
  }
  if (found.ROOM_CREATION === undefined) made.ROOM_CREATION = "open";
  const lines = Object.entries(made).map(([name, value]) => `${name}=${value}\n`);
  const gap = text === "" || text.endsWith("\n") ? "" : "\n";
  if (lines.length > 0) appendFileSync(file, gap + lines.join(""), { mode: 0o600 });
  return { ...found, ...made };
}
