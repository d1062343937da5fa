// Checks that the files of a configuration exist and can be used, before anything is opened.

import { ConfigError } from "./bridge-config.ts";
import { loadCertificates } from "./certificates.ts";
import { formatAddress, type Listen } from "./listen-url.ts";
import { readToken } from "./route-token.ts";
import type { Config } from "./settings.ts";

/**
 * Rejects with `ConfigError`, with all problems together: certificates that cannot be used, tokens that cannot be read.
 */
export async function checkFiles(config: Config, env: Readonly<Record<string, string | undefined>>): Promise<void> {
  const problems = await Promise.all([
    problemsOf(loadCertificates(config.listen)),
    ...config.listen.map((listen) => problemsOf(checkToken(listen, env))),
  ]);
  if (problems.flat().length > 0) throw new ConfigError(problems.flat());
}

async function checkToken(listen: Listen, env: Readonly<Record<string, string | undefined>>): Promise<void> {
  if (listen.route === undefined) return;
  try {
    await readToken(listen.route.token, env);
  } catch (error) {
    const reason = error instanceof Error ? error.message : error;
    throw new ConfigError([`--listen (ROOMCAST_LISTEN) the route at ${formatAddress(listen)} has no token: ${reason}`]);
  }
}

async function problemsOf(check: Promise<unknown>): Promise<readonly string[]> {
  try {
    await check;
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}
