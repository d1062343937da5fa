// The package as it is published: packed, installed into an empty folder, and run.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Process } from "../support/processes.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const SYSTEM_NODE = "/usr/bin/node";

let folder: string;
let tarball: string;
let installed: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "roomcast-package-"));
  await npm(["pack", "--pack-destination", folder], ROOT);
  const [name = ""] = (await readdir(folder)).filter((file) => file.endsWith(".tgz"));
  tarball = join(folder, name);
  installed = join(folder, "installed");
  await mkdir(installed);
  await npm(["install", tarball, "--no-audit", "--no-fund"], installed);
}, 180_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

/** The folder of `node` first, so that it is what the package's commands find. */
function pathWith(node: string): string {
  return [dirname(node), ...(process.env.PATH ?? "").split(delimiter)].join(delimiter);
}

async function npm(args: readonly string[], cwd: string): Promise<void> {
  await using run = Process.start("npm", args, { cwd });
  await run.succeeds(120_000);
}

/** Runs the installed command with a Node of one's choice; answers its exit code and what it said. */
async function roomcast(node: string, ...args: string[]): Promise<{ code: number | string; said: string }> {
  await using run = Process.start("npx", ["--no-install", "roomcast", ...args], {
    cwd: installed,
    env: { PATH: pathWith(node) },
  });
  run.child.stdin?.end();
  return { code: await run.exit, said: run.stdout + run.stderr };
}

function isNode20(node: string): boolean {
  return existsSync(node) && spawnSync(node, ["--version"], { encoding: "utf8" }).stdout.startsWith("v20.");
}

test("it holds what is needed to run, and neither sources nor tests nor secrets", async () => {
  const root = join(installed, "node_modules/roomcast");
  const files = await readdir(root, { recursive: true });
  const needed = [
    "dist/cli/roomcast.js",
    "dist/worker/index.js",
    "dist/web/index.html",
    "wrangler.toml",
    "PROTOCOL.md",
  ];
  expect(files).toEqual(expect.arrayContaining([...needed, "sample/clock.mpegts"]));
  expect(files.filter((file) => /\.ts$|^test|\.vars|\.pem$/.test(file))).toEqual([]);
  expect(JSON.parse(await readFile(join(root, "package.json"), "utf8"))).toMatchObject({ name: "roomcast" });
});

describe.each([
  ["the Node of the tests", process.execPath, true],
  ["the machine's Node 20", SYSTEM_NODE, isNode20(SYSTEM_NODE)],
])("with %s", (_, node, isThere) => {
  test.runIf(isThere)("`npx roomcast` says what it can do", async () => {
    const { code, said } = await roomcast(node, "--help");
    expect(code).toBe(0);
    expect(said).toMatch(/^Usage: roomcast /);
    for (const command of ["start", "bridge", "send", "watch", "token"]) expect(said).toContain(`  ${command} `);
  });

  test.runIf(isThere)("`npx roomcast bridge` says how it is configured, and checks its configuration", async () => {
    const { code, said } = await roomcast(node, "bridge", "--help");
    expect({ code, usage: said.split("\n")[0] }).toEqual({ code: 0, usage: "Usage: roomcast bridge [options]" });
    expect(await roomcast(node, "bridge", "--check-config")).toMatchObject({ code: 0 });
    expect(await roomcast(node, "bridge", "--check-config", "--listen", "nowhere")).toMatchObject({ code: 2 });
  });

  test.runIf(isThere)("`npx roomcast start` says what it lacks, where wrangler is not installed", async () => {
    const { code, said } = await roomcast(node, "start", "--port", "0", "--ingest-port", "0", "--status-port", "0");
    expect(code).toBe(1);
    expect(said).toContain("npm install wrangler");
  });
});
