// `roomcast token` and `roomcast token inspect`, as processes.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { verifyToken } from "../../protocol/token.ts";
import { finished } from "./support.ts";

const SECRET = "0123456789abcdef0123456789abcdef";
const env = { TOKEN_SECRET: SECRET };

async function folder(vars?: string): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "roomcast-"));
  onTestFinished(() => rm(path, { recursive: true }));
  if (vars !== undefined) await writeFile(join(path, ".dev.vars"), vars);
  return path;
}

test("mints the requested token", async () => {
  const args = [
    "token",
    "--room",
    "demo",
    "--can",
    "subscribe,publish",
    "--track",
    "cam",
    "--ttl",
    "2h",
    "--subject",
    "me",
  ];
  const { code, stdout } = await finished(args, { env, cwd: await folder() });
  expect(code).toBe(0);
  const claims = await verifyToken(stdout.trim(), [SECRET], Date.now());
  expect(claims).toMatchObject({ room: "demo", can: ["subscribe", "publish"], tracks: ["cam"], sub: "me" });
  expect(claims.exp - claims.iat).toBe(7200);
  expect(claims.jti).toMatch(/^[\da-f-]{36}$/);
});

test("takes the secret from .dev.vars, and inspects with it", async () => {
  const cwd = await folder(`TOKEN_SECRET="${SECRET}"\n`);
  const minted = await finished(["token", "--room", "demo", "--can", "publish"], { cwd });
  const inspect = async (options: { env?: Record<string, string>; cwd: string; input: string }) =>
    JSON.parse((await finished(["token", "inspect"], options)).stdout);
  const good = await inspect({ cwd, input: minted.stdout });
  expect(good).toMatchObject({ claims: { room: "demo", can: ["publish"] }, valid: true });
  const other = { env: { TOKEN_SECRET: SECRET.toUpperCase() }, cwd, input: minted.stdout };
  expect(await inspect(other)).toMatchObject({ valid: false, reason: "the token is bad signature" });
  const unchecked = await inspect({ cwd: await folder(), input: minted.stdout });
  expect(unchecked).toMatchObject({ claims: { room: "demo" }, valid: null });
});

test("refuses in one line", async () => {
  const cwd = await folder();
  const mint = ["token", "--room", "demo", "--can", "publish"];
  const runs = await Promise.all([
    finished(mint, { cwd }),
    finished(mint, { cwd, env: { TOKEN_SECRET: "x" } }),
    finished(["token", "inspect"], { cwd, env }),
  ]);
  expect(runs.map(({ code }) => code)).toEqual([1, 1, 1]);
  expect(runs.map(({ stderr }) => stderr)).toEqual([
    expect.stringMatching(/^roomcast: no TOKEN_SECRET [^\n]+\n$/),
    expect.stringMatching(/^roomcast: a secret must have at least 32 [^\n]+\n$/),
    "roomcast: stdin contains no token\n",
  ]);
});
