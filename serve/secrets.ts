// The secrets: from the environment or the files that it names, from the state folder, or created there at the first
// start.
import { randomBytes } from "node:crypto";
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { parseEnv } from "node:util";

/** The secrets of the Worker. */
export const SECRETS = [
  "TOKEN_SECRET",
  "OPERATOR_KEY",
  "TOKEN_SECRET_PREVIOUS",
  "WEBHOOK_SECRET",
  "WEBHOOK_SECRET_PREVIOUS",
] as const;
type Name = (typeof SECRETS)[number];

/** The sources of secrets. */
export interface SecretSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Lines NAME=VALUE. */
  readonly file: string;
  /** True if missing secrets may be created. If several machines share them, they have to be set. */
  readonly mayMake: boolean;
  /** Are there webhooks of the operator, which a secret has to sign? */
  readonly hasWebhooks: boolean;
}

/** `made`: the names of secrets that were added to the file. Adds errors to `problems`. */
export function loadSecrets(sources: SecretSources, problems: string[]) {
  const { env, file, mayMake, hasWebhooks } = sources;
  const needed: readonly Name[] = [
    "TOKEN_SECRET",
    "OPERATOR_KEY",
    ...(hasWebhooks ? (["WEBHOOK_SECRET"] as const) : []),
  ];
  const kept = parseEnv(existsSync(file) ? readFileSync(file, "utf8") : "");
  const values: Partial<Record<Name, string>> = {};
  const made: Name[] = [];
  for (const name of SECRETS) {
    const value = secretOf(name, env, problems) ?? kept[name];
    if (value !== undefined) values[name] = value;
    else if (needed.includes(name)) made.push(name);
  }
  if (!mayMake)
    problems.push(...made.map((name) => `set ${name} or ${name}_FILE, to the same value on every instance`));
  if (problems.length > 0 || !mayMake) return { values, made: [] };
  for (const name of made) values[name] = newSecret(name);
  const lines = made.map((name) => `${name}=${values[name]}\n`);
  if (lines.length > 0) appendFileSync(file, lines.join(""), { mode: 0o600 });
  return { values, made };
}

/** Secrets of webhooks have a form of their own. */
function newSecret(name: Name): string {
  const bytes = randomBytes(32);
  return name === "WEBHOOK_SECRET" ? `whsec_${bytes.toString("base64")}` : bytes.toString("base64url");
}

/** The variable itself, or the contents of the file that NAME_FILE names, as in containers. */
export function secretOf(name: string, env: SecretSources["env"], problems: string[]): string | undefined {
  const path = env[`${name}_FILE`];
  if (env[name] && path) problems.push(`${name} and ${name}_FILE are both set`);
  if (!path) return env[name] || undefined;
  try {
    return readFileSync(path, "utf8").trim();
  } catch (error) {
    problems.push(`${name}_FILE cannot be read: ${error instanceof Error ? error.message : error}`);
    return undefined;
  }
}
