// Reads a static route's token for each attempt, so that it can be rotated in place.
import { readFile } from "node:fs/promises";
import type { TokenSource } from "./listen-url.ts";

/** The token of `source`, trimmed; rejects if there is none. */
export async function readToken(
  source: TokenSource,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  const text = source.from === "file" ? await readFile(source.path, "utf8") : env[source.variable];
  const token = text?.trim() ?? "";
  if (token === "") throw new Error(`no token in ${source.from === "file" ? source.path : source.variable}`);
  return token;
}
