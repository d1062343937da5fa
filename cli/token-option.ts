// The token options of `send` and `watch`.
import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import { Failure } from "./failure.ts";

/** The options that `addTokenOptions` adds. */
export interface TokenOptions {
  readonly token?: string;
  readonly tokenFile?: string;
}

/** Adds --token and --token-file. */
export function addTokenOptions(command: Command): Command {
  return command
    .option("--token <token>", "the token; other users can see it in the process list, so prefer ROOMCAST_TOKEN")
    .option("--token-file <file>", "read the token from a file");
}

/** Returns a function that reads the token for each attempt. Throws `Failure` if there is no token. */
export function tokenFrom({ token, tokenFile }: TokenOptions): () => Promise<string> {
  if (token !== undefined && tokenFile !== undefined) throw new Failure("give --token or --token-file, not both", 2);
  if (tokenFile !== undefined) return () => readTokenFile(tokenFile);
  const given = token ?? process.env.ROOMCAST_TOKEN;
  if (!given) throw new Failure("no token: set ROOMCAST_TOKEN, or give --token-file or --token", 2);
  return async () => given;
}

async function readTokenFile(path: string): Promise<string> {
  try {
    return (await readFile(path, "utf8")).trim();
  } catch (cause) {
    throw new Failure(`cannot read the token file: ${cause instanceof Error ? cause.message : cause}`, 1, { cause });
  }
}
