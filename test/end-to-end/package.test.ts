// The published package: packed, installed into an empty folder, and used in every way that its guide describes.
import { spawnSync } from "node:child_process";
import { createWriteStream, existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseEnv } from "node:util";
import { gzipSync } from "node:zlib";
import { build as esbuild, type Plugin } from "esbuild";
import type { Browser, Page } from "playwright-core";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Runtime } from "../../cli/runtime.ts";
import { launchBrowser } from "../support/browser.ts";
import { liveMedia } from "../support/ffmpeg.ts";
import { createRoom, startTestRuntime, type TestRoom } from "../support/local-room.ts";
import { Process } from "../support/processes.ts";
import { waitFor } from "../support/wait.ts";
import { Viewer } from "../web/support/viewer.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const SYSTEM_NODE = "/usr/bin/node";
const KIB = 1024;

/** For every platform, in strict TypeScript: publishes into its own track, then subscribes to it until its end. */
const ROUND_TRIP = `
import * as roomcast from "roomcast";
import { isTrackName } from "roomcast/protocol";
import type { RoomcastPlayer } from "roomcast/player";

export async function roundTrip(url: string, room: string, token: string, track: string, library = roomcast) {
  if (!isTrackName(track)) throw new TypeError("no track name");
  const options: roomcast.PublisherOptions = { url, room, token, track };
  const publisher = new library.Publisher(options);
  const frames = ["one", "two"].map((text) => ({ payload: new TextEncoder().encode(text), flags: library.Flag.key }));
  await publisher.write(frames);
  await publisher.end();
  const texts: string[] = [];
  for await (const event of new library.Subscriber({ url, room, token, tracks: [track], start: "-60" })) {
    if (event.type === "frame") texts.push(new TextDecoder().decode(event.payload));
    if (event.type === "end") break;
  }
  const refused: unknown = await new library.Publisher({ ...options, token: "none" }).ready().catch((error) => error);
  const player: RoomcastPlayer | undefined = globalThis.document?.createElement("roomcast-player");
  if (player?.send("nobody is there") !== undefined) throw new Error("it said something");
  return [...texts, refused instanceof library.RefusedError ? refused.code : refused].join(" ");
}`;
const CAME_BACK = "one two unauthorized";

const STRICT = {
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: false,
  module: "NodeNext",
  target: "ES2022",
  lib: ["ES2022", "DOM"],
  types: [],
  outDir: "strict",
};

let folder: string;
let installed: string;
let runtime: Runtime;
let browser: Browser;
let site: Server;
let room: TestRoom;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "roomcast-package-"));
  installed = join(folder, "installed");
  await mkdir(join(installed, "app"), { recursive: true });
  await writeFile(join(installed, "package.json"), JSON.stringify({ private: true, type: "module" }));
  for (const [name, code] of await guideCode()) await writeFile(join(installed, name), code);
  await writeFile(join(installed, "round-trip.ts"), ROUND_TRIP);
  // `npm test` has built it.
  await npm(["pack", "--ignore-scripts", "--pack-destination", folder], ROOT);
  const [tarball = ""] = (await readdir(folder)).filter((file) => file.endsWith(".tgz"));
  [runtime, browser] = await Promise.all([
    startTestRuntime(),
    launchBrowser(),
    npm(["install", join(folder, tarball), "--no-audit", "--no-fund", "--prefer-offline"], installed),
  ]);
  room = await createRoom(runtime.url);
}, 180_000);

afterAll(async () => {
  site?.close();
  await Promise.all([runtime?.close(), browser?.close()]);
  await rm(folder, { recursive: true, force: true });
});

/** The code blocks of the guide that contain their file name in the first line. */
async function guideCode(): Promise<Map<string, string>> {
  const text = await readFile(join(ROOT, "docs/client.md"), "utf8");
  const blocks = text.matchAll(/^```\w+\n((?:\/\/|#) (\S+\.\w+): [\s\S]*?)^```$/gm);
  return new Map([...blocks].map(([, code = "", name = ""]) => [name, code]));
}

async function npm(args: readonly string[], cwd: string): Promise<void> {
  await using run = Process.start("npm", args, { cwd });
  await run.succeeds(120_000);
}

/** Runs the installed command with a given Node. Returns its exit code and its output. */
async function roomcast(node: string, ...args: string[]): Promise<{ code: number | string; said: string }> {
  return ended(Process.start(node, ["node_modules/.bin/roomcast", ...args], { cwd: installed }));
}

async function ended(process: Process): Promise<{ code: number | string; said: string }> {
  await using run = process;
  run.child.stdin?.end();
  return { code: await run.exit, said: run.stdout + run.stderr };
}

function isNode20(node: string): boolean {
  return existsSync(node) && spawnSync(node, ["--version"], { encoding: "utf8" }).stdout.startsWith("v20.");
}

test("it contains everything needed to run, and neither sources nor tests nor secrets", async () => {
  const root = join(installed, "node_modules/roomcast");
  const files = await readdir(root, { recursive: true });
  const needed = [
    "dist/cli/roomcast.js",
    "dist/worker/index.js",
    "dist/worker/self-hosted.js",
    "dist/web/index.html",
    "dist/types/client/index.d.ts",
    "LICENSE",
    "wrangler.toml",
    "PROTOCOL.md",
  ];
  expect(files).toEqual(expect.arrayContaining([...needed, "sample/clock.mpegts"]));
  expect(files.filter((file) => /(?<!\.d)\.ts$|^test|\.vars|\.pem$/.test(file))).toEqual([]);
  expect(JSON.parse(await readFile(join(root, "package.json"), "utf8"))).toMatchObject({ name: "roomcast" });
});

test("`npx roomcast` finds the command", async () => {
  const command = Process.start("npx", ["--no-install", "roomcast", "token", "--help"], { cwd: installed });
  expect(await ended(command)).toMatchObject({ code: 0, said: expect.stringMatching(/^Usage: roomcast token /) });
});

describe.each([
  ["the Node of the tests", process.execPath, true],
  ["the machine's Node 20", SYSTEM_NODE, isNode20(SYSTEM_NODE)],
])("with %s", (_, node, isThere) => {
  test.runIf(isThere)("the command reports its abilities, and missing packages", async () => {
    const ports = ["--port", "0", "--ingest-port", "0", "--status-port", "0"];
    const [help, start] = await Promise.all([roomcast(node, "--help"), roomcast(node, "start", ...ports)]);
    expect(help).toMatchObject({ code: 0, said: expect.stringMatching(/^Usage: roomcast /) });
    for (const command of ["start", "serve", "bridge", "send", "watch", "load", "token"])
      expect(help.said).toContain(`  ${command} `);
    expect(start).toMatchObject({ code: 1, said: expect.stringContaining("npm install wrangler") });
  });

  test.runIf(isThere)("the bridge says how it is configured, and checks its configuration", async () => {
    const check = ["bridge", "--check-config"];
    const [help, right, wrong] = await Promise.all([
      roomcast(node, "bridge", "--help"),
      roomcast(node, ...check),
      roomcast(node, ...check, "--listen", "nowhere"),
    ]);
    expect(help).toMatchObject({ code: 0, said: expect.stringMatching(/^Usage: roomcast bridge \[options\]/) });
    expect([right.code, wrong.code]).toEqual([0, 2]);
  });

  test.runIf(isThere)(
    "`npx roomcast serve`: a page plays what ffmpeg sends, and `roomcast watch` has its bytes",
    async () => {
      const ports = ["--listen", "--ingest", "--status"].flatMap((name) => [name, "127.0.0.1:0"]);
      const start = (args: readonly string[], token = "") =>
        Process.start(node, ["node_modules/.bin/roomcast", ...args], {
          cwd: installed,
          env: { ROOMCAST_TOKEN: token },
        });
      await using run = start(["serve", ...ports]);
      const [, url = "", ingest = ""] = await run.says(
        /"url":"([^"]+)","ingest":\["tcp:\/\/([^"]+)"\].*"serving"/,
        60_000,
      );
      const secrets = parseEnv(await readFile(join(installed, ".roomcast/serve/secrets.env"), "utf8"));
      const headers = { authorization: `Bearer ${secrets.OPERATOR_KEY}` };
      const response = await fetch(`${url}/api/rooms`, { method: "POST", headers, body: "{}" });
      const { room: id, tokens, links } = (await response.json()) as TestRoom;
      const sent = join(folder, `${id}.sent`);
      await using watch = start(["watch", id, "--url", url], tokens.subscribe);
      const watched = watch.child.stdout?.pipe(createWriteStream(join(folder, `${id}.watched`)));
      await waitFor("who watches", async () => {
        const state = await fetch(`${url}/api/rooms/${id}`, { headers: { authorization: `Bearer ${tokens.admin}` } });
        return ((await state.json()) as { subscribers: number }).subscribers === 1;
      });
      await using send = start(["send", id, "--ingest", ingest, "--framing", "mpegts"], tokens.publish);
      await using ffmpeg = liveMedia({ seconds: 600, gop: 30, outputs: ["pipe:1", sent] });
      send.reads(ffmpeg.child.stdout);
      const viewer = await Viewer.open(browser);
      await viewer.page.goto(links.page);
      await viewer.untilPlayed(1);
      // It ends both outputs at the same byte.
      ffmpeg.child.kill("SIGINT");
      await Promise.all([ffmpeg.exit, send.succeeds()]);
      const bytes = await readFile(sent);
      await waitFor("all of it", () => watched?.bytesWritten === bytes.length);
      expect((await readFile(join(folder, `${id}.watched`))).equals(bytes)).toBe(true);
      expect(viewer.complaints).toEqual([]);
      await viewer.page.close();
    },
  );
});

describe("the library", () => {
  const node = isNode20(SYSTEM_NODE) ? SYSTEM_NODE : process.execPath;
  let page: Page;

  beforeAll(async () => {
    await writeFile(join(installed, "app/index.html"), '<script type="module" src="./main.ts"></script>');
    const main = `import { watchPlain } from "../plain.js"; import { roundTrip } from "../round-trip.ts";
      import "roomcast/player";
      Object.assign(globalThis, { watchPlain, roundTrip });`;
    await writeFile(join(installed, "app/main.ts"), main);
    await build({ root: join(installed, "app"), configFile: false, logLevel: "warn" });
    site = createServer(async (request, response) => {
      const path = request.url === "/" ? "/index.html" : (request.url ?? "");
      response.setHeader("content-type", path.endsWith(".js") ? "text/javascript" : "text/html");
      response.end(await readFile(join(installed, "app/dist", path)).catch(() => ""));
    });
    await new Promise<void>((resolve) => site.listen(0, "127.0.0.1", resolve));
    page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(site.address() as AddressInfo).port}/`);
    await page.waitForFunction("globalThis.roundTrip !== undefined");
  }, 60_000);

  test("publishes and subscribes in an app that Vite built, on a page of another origin", async () => {
    const target = JSON.stringify([runtime.url, room.room, room.tokens.admin, "app"]);
    expect(await page.evaluate(`roundTrip(...${target})`)).toBe(CAME_BACK);
  });

  test("publishes and subscribes as a module from the Worker, on a page of another origin", async () => {
    const target = JSON.stringify([runtime.url, room.room, room.tokens.admin, "served"]);
    const served = `${runtime.url}/roomcast.js`;
    expect(await page.evaluate(`import("${served}").then((library) => roundTrip(...${target}, library))`)).toBe(
      CAME_BACK,
    );
    const { headers } = await fetch(served);
    expect(Object.fromEntries(headers)).toMatchObject({
      "access-control-allow-origin": "*",
      "cache-control": expect.stringMatching(/^public, max-age=\d+/),
      "content-type": expect.stringMatching(/^text\/javascript/),
    });
    expect((await fetch(served, { headers: { "if-none-match": headers.get("etag") ?? "" } })).status).toBe(304);
  });

  test("has the player for an app that Vite built, loaded on demand, and for a server without a page", async () => {
    const [element, version] = await page.evaluate<string[]>(`(() => {
      const player = document.createElement("roomcast-player");
      document.body.append(player);
      return [player.constructor.name.length > 0 && String(player.shadowRoot !== null || player.isConnected), typeof player.send];
    })()`);
    expect([element, version]).toEqual(["true", "function"]);
    const target = JSON.stringify([runtime.url, room.room, room.tokens.subscribe]);
    await page.evaluate(`(([url, id, token]) => {
      const player = document.querySelector("roomcast-player");
      globalThis.states = [];
      player.addEventListener("statechange", ({ detail }) => states.push(detail.state));
      for (const [name, value] of Object.entries({ src: url, room: id, token })) player.setAttribute(name, value);
    })(${target})`);
    // Tracks of earlier tests may have ended in it.
    const isIn = async () => /waiting|ended/.test((await page.evaluate<string[]>("states")).join());
    await waitFor("the player to be in the room", isIn);
    await page.evaluate('document.querySelector("roomcast-player").remove()');
    const load = 'import("roomcast/player").then((module) => console.log(Object.keys(module).join()))';
    await using program = Process.start(node, ["--input-type=module", "-e", load], { cwd: installed });
    expect(await program.succeeds()).toBe("RoomcastPlayer\n");
  });

  test("has the types for a strict project, which publishes and subscribes in Node", async () => {
    await writeFile(
      join(installed, "tsconfig.json"),
      JSON.stringify({ compilerOptions: STRICT, files: ["round-trip.ts"] }),
    );
    await using compiler = Process.start(join(ROOT, "node_modules/.bin/tsc"), ["-p", "."], { cwd: installed });
    expect({ code: await compiler.exit, said: compiler.stdout }).toEqual({ code: 0, said: "" });
    const run = `import { roundTrip } from "./strict/round-trip.js"; console.log(await roundTrip(...JSON.parse(process.env.TARGET)));`;
    const TARGET = JSON.stringify([runtime.url, room.room, room.tokens.admin, "strict"]);
    await using program = Process.start(node, ["--input-type=module", "-e", run], { cwd: installed, env: { TARGET } });
    expect(await program.succeeds()).toBe(`${CAME_BACK}\n`);
  });

  test("documents everything that it exports", async () => {
    const types = join(installed, "node_modules/roomcast/dist/types");
    const paths = (await readdir(types, { recursive: true })).filter((path) => path.endsWith(".d.ts"));
    const texts = await Promise.all(paths.map((path) => readFile(join(types, path), "utf8")));
    const bare =
      /(?<!\*\/)\n *(?:export (?:declare )?(?:class|interface|type|const|function) \w+|(?:get )?\w+\(.*\): .*;$)/gm;
    const found = texts.map((text, index) => `${paths[index]}: ${text.match(bare) ?? ""}`);
    expect(found.filter((one) => !one.endsWith(": "))).toEqual([]);
  });

  test("is used by the programs of the guide, unchanged: Node, Python and a page in plain mode", async () => {
    const hasPython = spawnSync("python3", ["--version"]).status === 0;
    if (!hasPython) console.warn("no python3 on this machine: watch.py of docs/client.md is not tested");
    const env = { ROOMCAST_URL: runtime.url, ROOMCAST_ROOM: room.room, ROOMCAST_TOKEN: room.tokens.admin };
    await using watch = Process.start(node, ["watch.mjs"], { cwd: installed, env });
    const address = `${runtime.url}/rooms/${room.room}/ws`;
    await using python = Process.start(
      hasPython ? "python3" : "cat",
      ["watch.py", address].slice(0, hasPython ? 2 : 0),
      { cwd: installed, env },
    );
    const target = JSON.stringify([runtime.url, room.room, room.tokens.subscribe]);
    await page.evaluate(
      `plain = ""; watchPlain(...${target}, (bytes) => { plain += new TextDecoder().decode(bytes); })`,
    );
    await waitFor("everybody to be there", async () => (await subscribers()) === (hasPython ? 3 : 2), 60_000);
    await using publish = Process.start(node, ["publish.mjs"], { cwd: installed, env });
    publish.child.stdin?.end("one\ntwo\n");
    await publish.succeeds();
    expect(await watch.succeeds()).toBe("onetwo");
    await waitFor("the page to have everything", async () => (await page.evaluate("plain")) === "onetwo");
    if (hasPython) await waitFor("Python to have everything", () => python.stdout === "onetwo");
  });

  test("is small in a page", async () => {
    const sizes = {
      Subscriber: await bundleSize('export { Subscriber } from "roomcast"'),
      "Publisher and Subscriber": await bundleSize('export { Publisher, Subscriber } from "roomcast"'),
      "/roomcast.js": await servedSize("/roomcast.js"),
    };
    console.log("bytes, minified and compressed:", sizes);
    expect(sizes.Subscriber).toBeLessThanOrEqual(8 * KIB);
    expect(sizes["Publisher and Subscriber"]).toBeLessThanOrEqual(12 * KIB);
    expect(sizes["/roomcast.js"]).toBeLessThanOrEqual(12 * KIB);
  });

  async function subscribers(): Promise<number> {
    const headers = { authorization: `Bearer ${room.tokens.admin}` };
    const answer = await fetch(`${runtime.url}/api/rooms/${room.room}`, { headers });
    return ((await answer.json()) as { subscribers: number }).subscribers;
  }

  /** The size of a page's bundle of the installed package, without lazily loaded parts. */
  async function bundleSize(contents: string): Promise<number> {
    const options = { bundle: true, minify: true, format: "esm", target: "es2022", write: false } as const;
    const later: Plugin = {
      name: "later",
      setup: ({ onResolve }) =>
        onResolve({ filter: /./ }, ({ kind, path }) =>
          kind === "dynamic-import" ? { path, external: true } : undefined,
        ),
    };
    const stdin = { contents, resolveDir: installed };
    const { outputFiles } = await esbuild({ ...options, stdin, plugins: [later] });
    return gzipSync(outputFiles[0]?.contents ?? "").byteLength;
  }

  /** The size of the Worker's own build that a page loads at once. */
  function servedSize(path: string): Promise<number> {
    return sizeOf(path, async (name) => (await fetch(`${runtime.url}/${name.replace(/^\.?\//, "")}`)).text());
  }

  /** A module and everything that it imports statically. */
  async function sizeOf(name: string, read: (name: string) => Promise<string>): Promise<number> {
    const text = await read(name);
    expect(text).not.toBe("");
    let size = gzipSync(text).byteLength;
    for (const [, imported = ""] of text.matchAll(/(?:\bfrom|^import|;import)"([^"]+)"/g)) {
      size += await sizeOf(imported.replace(/^\.\//, ""), read);
    }
    return size;
  }
});
