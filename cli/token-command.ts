// `roomcast token`: mints tokens, and shows their contents.
import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { parseEnv } from "node:util";
import { Command, InvalidArgumentError } from "commander";
import { decodeJwt } from "jose";
import { claimsSchema, RIGHTS } from "../protocol/claims.ts";
import { MAX_TOKEN_CHARS, MAX_TOKEN_TTL_SECONDS } from "../protocol/limits.ts";
import { mintToken, TokenError, verifyToken } from "../protocol/token.ts";
import { parseDuration } from "./duration.ts";
import { Failure } from "./failure.ts";

interface MintOptions {
  readonly room: string;
  readonly can: readonly string[];
  readonly track?: readonly string[];
  readonly ttl: number;
  readonly subject?: string;
}

const HELP = `
The secret comes from the variable TOKEN_SECRET, or from .dev.vars in the current folder.`;

/** The command, for the program. */
export function tokenCommand(): Command {
  const list = (text: string, former: string[] = []) => [...former, ...text.split(",")];
  const command = new Command("token")
    .description("Mint a token and print it.")
    .option("--room <room>", "the room's id, or * for every room")
    .option("--can <rights>", `the rights, separated by commas: ${RIGHTS.join(", ")}`, list)
    .option("--track <track>", "allow only this track; repeatable", list)
    .option("--ttl <duration>", "its lifetime: 90s, 15m, 1h, 7d (default: 1h)", ttl, 3600)
    .option("--subject <subject>", "the id of the user")
    .addHelpText("after", HELP)
    .action(mint);
  command
    .command("inspect")
    .description("Print the claims of a token from stdin as JSON, and whether it is valid.")
    .addHelpText("after", HELP)
    .action(inspect);
  return command;
}

async function mint({ room, can, track, ttl, subject }: Partial<MintOptions>): Promise<void> {
  const iat = Math.floor(Date.now() / 1000);
  const limits = { ...(track && { tracks: track }), ...(subject && { sub: subject }) };
  const claims = claimsSchema.safeParse({ room, can, ...limits, jti: randomUUID(), iat, exp: iat + (ttl ?? 0) });
  if (!claims.success) {
    const wrong = new Set(claims.error.issues.map(({ path }) => OPTION_OF[String(path[0])] ?? String(path[0])));
    throw new Failure(`missing or wrong: ${[...wrong].join(", ")}`, 2);
  }
  const [secret] = await findSecrets();
  if (secret === undefined) throw new Failure("no TOKEN_SECRET in the environment or in .dev.vars");
  process.stdout.write(`${await mintToken(claims.data, secret)}\n`);
}

const OPTION_OF: Readonly<Record<string, string>> = {
  room: "--room",
  can: "--can",
  tracks: "--track",
  sub: "--subject",
};

async function inspect(): Promise<void> {
  const token = (await readStdin()).trim();
  const report = { claims: decode(token), ...(await check(token, await findSecrets())) };
  process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
}

function decode(token: string): unknown {
  try {
    return decodeJwt(token);
  } catch (cause) {
    throw new Failure("stdin contains no token", 1, { cause });
  }
}

/** `valid` is null if there is no secret to check the signature with. */
async function check(token: string, secrets: readonly string[]): Promise<{ valid: boolean | null; reason?: string }> {
  if (secrets.length === 0) return { valid: null, reason: "no TOKEN_SECRET: the signature was not checked" };
  try {
    await verifyToken(token, secrets, Date.now());
    return { valid: true };
  } catch (error) {
    if (error instanceof TokenError) return { valid: false, reason: error.message };
    throw error;
  }
}

/** The secret that signs, then the one that it replaced. */
async function findSecrets(): Promise<string[]> {
  const file = parseEnv(await readFile(".dev.vars", "utf8").catch(() => ""));
  const { TOKEN_SECRET, TOKEN_SECRET_PREVIOUS } = { ...file, ...process.env };
  return TOKEN_SECRET ? [TOKEN_SECRET, TOKEN_SECRET_PREVIOUS ?? ""].filter((secret) => secret !== "") : [];
}

async function readStdin(): Promise<string> {
  let text = "";
  for await (const chunk of process.stdin) {
    text += chunk;
    if (text.length > MAX_TOKEN_CHARS + 2) throw new Failure("stdin is longer than a token");
  }
  return text;
}

function ttl(text: string): number {
  const seconds = parseDuration(text);
  if (seconds === undefined) throw new InvalidArgumentError("Give a duration such as 90s, 15m, 1h or 7d.");
  if (seconds > MAX_TOKEN_TTL_SECONDS) throw new InvalidArgumentError("A token is valid for 90 days at most.");
  return seconds;
}
